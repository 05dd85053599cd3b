//! The one list of a run's cells: which settings of which method are tried on which target by which seeds, and,
//! once settings are chosen, which cells the report compares. Pairs of a target and a method that are not defined
//! are in neither.

use super::cell::Cell;
use super::choice::{Trial, choose};
use super::failure::undefined;
use crate::suite::ManifestError;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::transfer::methods::{self, FROM_SCRATCH, Method, Variant, variants};

/// What a suite asks for.
pub struct Plan<'a> {
    /// The suite.
    pub suite: &'a Suite,
    variants: Vec<(&'static Method, Vec<Variant>)>,
}

/// A cell that the report compares.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The cell; at the suite's own settings while they are not chosen.
    pub cell: Cell<'a>,
    /// Whether its settings are chosen.
    pub settled: bool,
}

/// The methods that a target is transferred by: the suite's, as far as they are defined for the target and
/// its encoder allows. An encoder without pretrained weights has nothing to transfer, and a sequence
/// encoder takes no source images.
pub fn methods(suite: &Suite, target: &DatasetSpec) -> Vec<&'static Method> {
    let mut all = methods::of(&suite.transfer);
    all.retain(|method| undefined(suite, target, method).is_none());
    match &target.encoder {
        None => all,
        Some(encoder) if encoder.model.is_none() => vec![FROM_SCRATCH],
        Some(_) => {
            all.retain(|method| !method.reads_source);
            all
        }
    }
}

impl<'a> Plan<'a> {
    /// The plan of a suite.
    ///
    /// # Errors
    /// [`ManifestError`] for a grid that the settings refuse.
    pub fn of(suite: &'a Suite) -> Result<Self, ManifestError> {
        let mut all = methods::of(&suite.transfer);
        if !all.contains(&FROM_SCRATCH) {
            all.push(FROM_SCRATCH);
        }
        let origin = format!("suite {}", suite.name);
        let of = |method: &'static Method| Ok((method, variants(suite, method, &origin)?));
        let variants = all.into_iter().map(of).collect::<Result<_, _>>()?;
        Ok(Self { suite, variants })
    }

    /// The settings of a method that are tried, the suite's own first.
    pub fn variants(&self, method: &Method) -> &[Variant] {
        let found = self.variants.iter().find(|(known, _)| *known == method);
        found.map_or(&[], |(_, variants)| variants)
    }

    /// The cells by which the settings of a method on a target are chosen: the seeds of every setting, none where
    /// the suite's own settings are the only ones.
    pub fn trials<'p>(
        &'p self,
        target: &'p DatasetSpec,
        method: &'static Method,
    ) -> impl Iterator<Item = Cell<'p>> {
        let variants = self.variants(method);
        let tried = if variants.len() > 1 { variants } else { &[] };
        let seeds = &self.suite.tuning.seeds;
        tried.iter().flat_map(move |variant| {
            seeds.iter().map(move |&seed| Cell {
                target,
                method,
                variant,
                seed,
            })
        })
    }

    /// All of these of a target.
    pub fn tuning<'p>(&'p self, target: &'p DatasetSpec) -> impl Iterator<Item = Cell<'p>> {
        let all = methods(self.suite, target).into_iter();
        all.flat_map(move |method| self.trials(target, method))
    }

    /// The settings that a method has on a target; `None` while they are not chosen. `trial` says what became of
    /// a cell.
    pub fn chosen<'p>(
        &'p self,
        target: &'p DatasetSpec,
        method: &'static Method,
        trial: &mut dyn FnMut(&Cell) -> Trial,
    ) -> Option<&'p Variant> {
        let variants = self.variants(method);
        let trials: Vec<Trial> = self
            .trials(target, method)
            .map(|cell| trial(&cell))
            .collect();
        if trials.is_empty() {
            return variants.first();
        }
        let seeds = trials.chunks(self.suite.tuning.seeds.len());
        let seeds: Vec<Vec<Trial>> = seeds.map(<[Trial]>::to_vec).collect();
        variants.get(choose(&self.suite.select, &seeds)?)
    }

    /// How many cells there are, trials among them, if every method is defined for every target.
    pub fn count(&self) -> usize {
        let suite = self.suite;
        let of = |method: &'static Method| {
            let tried = match self.variants(method).len() {
                0 | 1 => 0,
                tried => tried.saturating_mul(suite.tuning.seeds.len()),
            };
            tried.saturating_add(suite.transfer.seeds.len())
        };
        let methods = methods::of(&suite.transfer).into_iter();
        let all = methods.fold(0usize, |all, method| all.saturating_add(of(method)));
        all.saturating_mul(suite.targets.len())
    }

    /// Method and seed of every cell of a target that the report compares, in its order.
    pub fn slots<'p>(
        &'p self,
        target: &DatasetSpec,
    ) -> impl Iterator<Item = (&'static Method, u64)> + use<'p, 'a> {
        let seeds = &self.suite.transfer.seeds;
        let all = methods(self.suite, target).into_iter();
        all.flat_map(move |method| seeds.iter().map(move |&seed| (method, seed)))
    }

    /// The cells of a target that the report compares, in its order.
    pub fn cells<'p>(
        &'p self,
        target: &'p DatasetSpec,
        trial: &mut dyn FnMut(&Cell) -> Trial,
    ) -> Vec<Planned<'p>> {
        let mut all = Vec::new();
        for method in methods(self.suite, target) {
            let chosen = self.chosen(target, method, trial);
            let Some(variant) = chosen.or(self.variants(method).first()) else {
                continue;
            };
            all.extend(self.suite.transfer.seeds.iter().map(|&seed| Planned {
                cell: Cell {
                    target,
                    method,
                    variant,
                    seed,
                },
                settled: chosen.is_some(),
            }));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::choice::Scores;
    use crate::suite::definition::EMBEDDED;
    use crate::suite::task::Metric;

    fn suite(tuning: &str) -> Suite {
        let text = EMBEDDED[0].1.replace("\"emb\", ", "");
        methods::parse(&format!("{text}\n{tuning}"), "x").unwrap()
    }

    #[test]
    fn without_a_tuning_there_are_the_suites_own_cells_under_their_old_names() {
        let suite = suite("");
        let plan = Plan::of(&suite).unwrap();
        let target = &suite.targets[1];
        assert_eq!(plan.tuning(target).count(), 0);
        let mut never = |_: &Cell| panic!("nothing is tried");
        let names: Vec<String> = plan
            .cells(target, &mut never)
            .iter()
            .map(|planned| planned.cell.name())
            .collect();
        let expected = [
            "cells/emg-nft-0",
            "cells/emg-nft-1",
            "cells/emg-mona-0",
            "cells/emg-mona-1",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn chosen_settings_run_at_the_suites_seeds() {
        let suite =
            suite("[tuning]\nseeds = [0, 7]\ngrid = { \"transfer.mona.alpha\" = [0.05, 0.5] }");
        let plan = Plan::of(&suite).unwrap();
        let target = &suite.targets[1];
        let names: Vec<String> = plan.tuning(target).map(|cell| cell.name()).collect();
        let expected = [
            "cells/emg-mona-0",
            "cells/emg-mona-7",
            "cells/emg-mona@alpha=0.05-0",
            "cells/emg-mona@alpha=0.05-7",
            "cells/emg-mona@alpha=0.5-0",
            "cells/emg-mona@alpha=0.5-7",
        ];
        assert_eq!(names, expected);
        let mut trial = |cell: &Cell| {
            let source = if cell.variant.label.ends_with("=0.5") {
                0.3
            } else {
                0.4
            };
            Trial::Scored(Scores {
                metric: Metric::Error,
                target: 0.2,
                source: Some(source),
            })
        };
        let cells = plan.cells(target, &mut trial);
        assert!(cells.iter().all(|planned| planned.settled));
        let names: Vec<String> = cells.iter().map(|planned| planned.cell.name()).collect();
        let expected = [
            "cells/emg-nft-0",
            "cells/emg-nft-1",
            "cells/emg-mona@alpha=0.5-0",
            "cells/emg-mona@alpha=0.5-1",
        ];
        assert_eq!(names, expected);
        let open = plan.cells(target, &mut |_| Trial::Open);
        let settled: Vec<bool> = open.iter().map(|planned| planned.settled).collect();
        assert_eq!(settled, [true, true, false, false]);
    }
}
