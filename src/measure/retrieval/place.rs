//! Where the right one of a query stands among all candidates, and what a rule for ties makes of it.

/// The best right candidate of a query among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Wrong candidates that score higher.
    pub above: usize,
    /// Wrong candidates that score the same.
    pub wrong: usize,
    /// Right candidates that score the same, itself among them: at least one.
    pub right: usize,
    /// Wrong ones of the same score before the first right one, in the order of candidates.
    pub before: usize,
    /// Wrong ones of the same score behind the last right one.
    pub behind: usize,
}

/// What comes first among equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A wrong one: no tie is ever won. The default.
    Pessimistic,
    /// A right one: every tie is won.
    Optimistic,
    /// The first in the order of candidates, as a stable sort has it.
    FirstIndex,
    /// The last, as a stable sort that is read backwards has it.
    LastIndex,
    /// Any, with equal chances: recall is the expected one.
    RandomOrder,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pessimistic,
        Self::Optimistic,
        Self::FirstIndex,
        Self::LastIndex,
        Self::RandomOrder,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pessimistic => "pessimistic",
            Self::Optimistic => "optimistic",
            Self::FirstIndex => "first_index",
            Self::LastIndex => "last_index",
            Self::RandomOrder => "random_order",
        }
    }
}

impl Place {
    /// The place of the best of the `right` candidates (ascending, at least one) in the scores of all.
    pub(super) fn new(scores: &[f64], right: &[usize]) -> Self {
        let best = right.iter().map(|&j| scores[j]);
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        let equal = right.iter().copied().filter(|&j| scores[j] == best);
        let equal: Vec<usize> = equal.collect();
        let (first, last) = (equal[0], equal[equal.len() - 1]);
        let mut place = Self {
            above: 0,
            wrong: 0,
            right: equal.len(),
            before: 0,
            behind: 0,
        };
        for (j, &score) in scores.iter().enumerate() {
            place.above += usize::from(score > best);
            if score == best {
                place.wrong += 1;
                place.before += usize::from(j < first);
                place.behind += usize::from(j > last);
            }
        }
        place.wrong -= place.right;
        place
    }

    /// Whether its rank depends on the rule.
    pub fn is_tied(&self) -> bool {
        self.wrong > 0
    }

    /// The chance that a right candidate is among the first `k`: 0 or 1 but under [`Rule::RandomOrder`].
    pub fn found(&self, k: usize, rule: Rule) -> f64 {
        let rank = match rule {
            Rule::Pessimistic => self.above + self.wrong,
            Rule::Optimistic => self.above,
            Rule::FirstIndex => self.above + self.before,
            Rule::LastIndex => self.above + self.behind,
            Rule::RandomOrder => return self.chance(k),
        };
        f64::from(u8::from(rank < k))
    }

    /// One minus the chance that all places that are left go to wrong ones: C(w, m) / C(w + r, m).
    fn chance(&self, k: usize) -> f64 {
        let left = k.saturating_sub(self.above);
        if left == 0 {
            return 0.0;
        }
        if left > self.wrong {
            return 1.0;
        }
        let level = self.wrong + self.right;
        let missed = |taken: usize| (self.wrong - taken) as f64 / (level - taken) as f64;
        1.0 - (0..left).map(missed).product::<f64>()
    }
}
