//! Verdicts of tables that an older version wrote. Its intervals were bootstraps over seeds and samples, which
//! three seeds that agree in sign are always clear of; it knew no p and corrected for nothing. What the
//! tables hold of every seed (`seeds.csv`, `probe.csv`) is decided again: Student's t over seeds, Holm's
//! correction over everything that the page says, and the old interval, which knows the samples, has to be
//! clear of zero too. Tables of this version have their verdicts and are left alone.

use super::{Best, Quantity, decide};
use crate::measure::paired::{Difference, mean_value, values};
use crate::measure::verdict::{Claim, below_all};
use crate::table::{PRETRAINED, PairedRow, ProbeRow, ResultRow, SOURCE_ERROR, SeedRow, distinct};

/// Gives rows that have no verdict one, and takes "best" from results that do not hold. `None` where there is
/// nothing to decide, or the verdicts are of this version; else the probe error after every transfer against that
/// before, which older tables do not hold.
pub fn complete(
    paired: &mut [PairedRow],
    seeds: &[SeedRow],
    results: &mut [ResultRow],
    probes: &[ProbeRow],
) -> Option<Vec<PairedRow>> {
    let newer = paired.iter().any(|row| row.verdict.is_some());
    if newer || (paired.is_empty() && results.is_empty() && probes.is_empty()) {
        return None;
    }
    let mut distortion = distortion(probes);
    if paired.is_empty() && distortion.is_empty() {
        return None;
    }
    let mut rows: Vec<&mut PairedRow> = paired.iter_mut().chain(&mut distortion).collect();
    for row in &mut rows {
        let own = seeds.iter().filter(|seed| of_row(seed, row));
        let (method, baseline): (Vec<f64>, Vec<f64>) =
            own.map(|s| (s.method_value, s.baseline_value)).unzip();
        if !method.is_empty() {
            join(row, values(&method, &baseline).ok());
        }
    }
    let mut claims = Vec::new();
    for (row, result) in results.iter_mut().enumerate() {
        for quantity in Quantity::ALL {
            let claim = best(result, quantity, seeds);
            claims.extend(claim.map(|claim| Best {
                row,
                quantity,
                claim,
            }));
            *result.part(quantity).best = false;
            widen(result, quantity, seeds);
        }
    }
    decide(&mut rows, results, &claims, &mut [], &mut []);
    Some(distortion)
}

fn of_row(seed: &SeedRow, row: &PairedRow) -> bool {
    (&seed.target, &seed.method, &seed.baseline, &seed.quantity)
        == (&row.target, &row.method, &row.baseline, &row.quantity)
}

/// Student's p, and an interval that holds both Student's and the stored one.
fn join(row: &mut PairedRow, found: Option<Difference>) {
    let Some(found) = found else { return };
    row.p = found.p;
    match found.interval {
        Some([low, high]) => {
            row.lower = Some(row.lower.map_or(low, |stored| stored.min(low)));
            row.upper = Some(row.upper.map_or(high, |stored| stored.max(high)));
        }
        // One number under every seed: its "interval" was a point.
        None if row.lower == row.upper => (row.lower, row.upper) = (None, None),
        None => {}
    }
}

/// Probe errors after every transfer, at its last probed epoch, less the pretrained encoder's.
fn distortion(probes: &[ProbeRow]) -> Vec<PairedRow> {
    let Some(before) = probes.iter().find(|row| row.encoder == PRETRAINED) else {
        return Vec::new();
    };
    let after = || probes.iter().filter(|row| !row.is_reference());
    let pairs = distinct(after().map(|row| (row.encoder.as_str(), row.method.as_str())));
    let one = |(encoder, method): (&str, &str)| {
        let own = || after().filter(|row| row.encoder == encoder && row.method == method);
        let last = own().map(|row| row.epochs).max()?;
        let rows: Vec<&ProbeRow> = own().filter(|row| row.epochs == last).collect();
        let errors: Vec<f64> = rows.iter().map(|row| row.error).collect();
        let same = vec![before.error; errors.len()];
        let found = values(&errors, &same).ok()?;
        // Clear where every seed's own interval is clear of the pretrained encoder's.
        let low = rows.iter().map(|row| Some(row.lower? - before.upper?));
        let high = rows.iter().map(|row| Some(row.upper? - before.lower?));
        let low: Option<Vec<f64>> = low.collect();
        let high: Option<Vec<f64>> = high.collect();
        let mut row = PairedRow {
            target: encoder.into(),
            target_title: rows.first()?.encoder_title.clone(),
            method: method.into(),
            baseline: PRETRAINED.into(),
            quantity: SOURCE_ERROR.into(),
            method_mean: before.error + found.mean,
            baseline_mean: before.error,
            difference: found.mean,
            lower: low.map(|all| all.into_iter().fold(f64::INFINITY, f64::min)),
            upper: high.map(|all| all.into_iter().fold(f64::NEG_INFINITY, f64::max)),
            p: None,
            adjusted: None,
            verdict: None,
            seeds: Some(rows.len() as u64),
            samples: before.n_test,
            groups: None,
        };
        join(&mut row, Some(found));
        Some(row)
    };
    pairs.into_iter().filter_map(one).collect()
}

/// The quantities of seeds that stand for one of a result.
fn ids(quantity: Quantity) -> &'static [&'static str] {
    match quantity {
        Quantity::Target => &["target-error", "target-metric"],
        Quantity::Source => &[SOURCE_ERROR],
        Quantity::D => &["d-stage-1"],
    }
}

/// The values of a method under every seed, as the pairs hold them.
fn of_method(seeds: &[SeedRow], target: &str, ids: &[&str], method: &str) -> Vec<(u64, f64)> {
    let own = seeds.iter().filter(|s| s.target == target);
    let own = own.filter(|s| ids.contains(&s.quantity.as_str()));
    let values = own.flat_map(|s| {
        [
            (s.method.as_str(), s.seed, s.method_value),
            (s.baseline.as_str(), s.seed, s.baseline_value),
        ]
    });
    let mut found: Vec<(u64, f64)> = values
        .filter(|(name, ..)| *name == method)
        .map(|(_, seed, value)| (seed, value))
        .collect();
    found.sort_by_key(|(seed, _)| *seed);
    found.dedup_by_key(|(seed, _)| *seed);
    found
}

/// What a result that the older rule called best has to show, by Student's t against the nearest rival.
fn best(row: &mut ResultRow, quantity: Quantity, seeds: &[SeedRow]) -> Option<Claim> {
    let marked = *row.part(quantity).best;
    let methods = seeds.iter().filter(|s| s.target == row.target);
    let methods = methods.flat_map(|s| [s.method.as_str(), s.baseline.as_str()]);
    let rivals = distinct(methods.filter(|name| *name != row.method && *name != PRETRAINED));
    let of = |method: &str| of_method(seeds, &row.target, ids(quantity), method);
    let own = of(&row.method);
    let against = |rival: &&str| {
        let other = of(rival);
        let same = own.iter().map(|(s, _)| s).eq(other.iter().map(|(s, _)| s));
        let numbers = |all: &[(u64, f64)]| all.iter().map(|(_, v)| *v).collect::<Vec<f64>>();
        let found = same.then(|| values(&numbers(&own), &numbers(&other)).ok())??;
        Some(found.claim())
    };
    let all: Vec<Option<Claim>> = rivals.iter().map(against).collect();
    marked.then(|| below_all(&all)).flatten()
}

/// An interval over few seeds is Student's, where that is the wider one.
fn widen(row: &mut ResultRow, quantity: Quantity, seeds: &[SeedRow]) {
    let own = of_method(seeds, &row.target, ids(quantity), &row.method);
    let numbers: Vec<f64> = own.into_iter().map(|(_, value)| value).collect();
    let Some([low, high]) = mean_value(&numbers).ok().and_then(|found| found.interval) else {
        return;
    };
    // Rates stay between nothing and everything.
    let share = match quantity {
        Quantity::Target => row.metric == "error",
        Quantity::Source => true,
        Quantity::D => false,
    };
    let [low, high] = if share {
        [low.max(0.0), high.min(1.0)]
    } else {
        [low, high]
    };
    let part = row.part(quantity);
    *part.lower = Some(part.lower.map_or(low, |stored| stored.min(low)));
    *part.upper = Some(part.upper.map_or(high, |stored| stored.max(high)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: &str, quantity: &str, difference: f64, ends: [f64; 2]) -> PairedRow {
        PairedRow {
            target: "digits".into(),
            target_title: "Digits".into(),
            method: method.into(),
            baseline: "nft".into(),
            quantity: quantity.into(),
            method_mean: 0.5 + difference,
            baseline_mean: 0.5,
            difference,
            lower: Some(ends[0]),
            upper: Some(ends[1]),
            p: None,
            adjusted: None,
            verdict: None,
            seeds: Some(3),
            samples: Some(300),
            groups: None,
        }
    }

    fn seeds(method: &str, quantity: &str, apart: [f64; 3]) -> Vec<SeedRow> {
        let one = |(seed, apart): (usize, f64)| SeedRow {
            target: "digits".into(),
            target_title: "Digits".into(),
            method: method.into(),
            baseline: "nft".into(),
            quantity: quantity.into(),
            seed: seed as u64,
            method_value: 0.5 + apart,
            baseline_value: 0.5,
        };
        apart.into_iter().enumerate().map(one).collect()
    }

    #[test]
    fn what_a_bootstrap_of_three_seeds_called_clear_is_judged_by_student() {
        // The first paragraph of suite real-more: digits +8.6, seeds +9.0, +1.0, +15.7: p = 0.18.
        let mut rows = vec![
            row("emb", "target-error", 0.086, [0.010, 0.157]),
            row("mona", "target-error", 0.0201, [0.019, 0.021]),
            row("mona", "source-error", 0.0201, [-0.03, 0.06]),
        ];
        let all = [
            seeds("emb", "target-error", [0.090, 0.010, 0.157]),
            seeds("mona", "target-error", [0.0200, 0.0201, 0.0202]),
            seeds("mona", "source-error", [0.0200, 0.0201, 0.0202]),
        ]
        .concat();
        let mut results = vec![ResultRow {
            target: "digits".into(),
            target_title: "Digits".into(),
            method: "nft".into(),
            metric: "error".into(),
            target_mean: Some(0.5),
            target_lower: Some(0.45),
            target_upper: Some(0.55),
            target_best: true,
            target_adjusted: None,
            source_mean: None,
            source_lower: None,
            source_upper: None,
            source_best: false,
            source_adjusted: None,
            d_mean: None,
            d_lower: None,
            d_upper: None,
            d_best: false,
            d_adjusted: None,
            seeds: Some(3),
        }];
        let again = complete(&mut rows, &all, &mut results, &[]);
        assert!(again.is_some());
        let said = |i: usize| rows[i].verdict.as_deref().unwrap();
        assert_eq!(said(0), "not shown");
        assert!((rows[0].p.unwrap() - 0.182).abs() < 0.002);
        assert!(rows[0].lower.unwrap() < -0.09, "Student's interval");
        assert_eq!(said(1), "higher");
        // Clear over seeds, but its samples are not.
        assert_eq!(said(2), "not shown");
        assert!(!results[0].target_best, "not shown to be below Emb");
        // Decided once, it stays.
        let before = rows.clone();
        assert!(complete(&mut rows, &all, &mut results, &[]).is_none());
        assert_eq!(rows, before);
    }

    #[test]
    fn one_seed_has_no_verdict() {
        let mut rows = vec![row("emb", "target-error", 0.3, [0.2, 0.4])];
        let one = vec![seeds("emb", "target-error", [0.3; 3]).swap_remove(0)];
        complete(&mut rows, &one, &mut [], &[]);
        assert_eq!(rows[0].verdict.as_deref(), Some("not tested"));
    }
}
