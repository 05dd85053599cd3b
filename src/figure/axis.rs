//! A linear axis: a range that covers the data with air around it, round ticks, and the map from
//! values to pixels. Figures here show dots and lines, never bars, so an axis need not start at
//! zero; it stops at a natural bound (0, 100 %) rather than show impossible values.

/// A linear axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Value at the low end.
    pub low: f64,
    /// Value at the high end.
    pub high: f64,
    /// Values that carry a label.
    pub ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// An axis over `values` within `bounds`, with about `count` ticks.
    pub fn over(values: impl IntoIterator<Item = f64>, bounds: (f64, f64), count: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // Equal values still need a range, and tiny differences must not fill the page as if
        // they were large ones.
        let least = 0.02 * high.abs().max(low.abs()).max(1e-9);
        let air = 0.08 * (high - low).max(least);
        (low, high) = ((low - air).max(bounds.0), (high + air).min(bounds.1));
        if high - low < least {
            (low, high) = (low - least, high + least);
        }
        let step = round_step((high - low) / count.max(1) as f64);
        let first = (low / step).ceil();
        let ticks = (0..=3 * count)
            .map(|index| (first + index as f64) * step)
            .take_while(|tick| *tick <= high + 1e-9 * step)
            .map(|tick| if tick == 0.0 { 0.0 } else { tick })
            .collect();
        // 2.5 needs one more digit than its power of ten.
        let power = step.log10().floor();
        let plain = (step / 10f64.powf(power) - 2.5).abs() > 0.01;
        let decimals = (-power + f64::from(u8::from(!plain))).clamp(0.0, 9.0) as usize;
        Self {
            low,
            high,
            ticks,
            decimals,
        }
    }

    /// An axis over whole numbers such as epochs: ticks on whole numbers only.
    pub fn whole(last: u64, count: usize) -> Self {
        let step = round_step(last as f64 / count.max(1) as f64)
            .max(1.0)
            .floor();
        let ticks = (0..=3 * count).map(|index| index as f64 * step);
        let ticks = ticks.take_while(|tick| *tick <= last as f64).collect();
        Self {
            low: 0.0,
            high: (last as f64).max(1.0),
            ticks,
            decimals: 0,
        }
    }

    /// Pixel of `value` where the axis runs from pixel `start` to pixel `end`.
    pub fn at(&self, value: f64, start: f64, end: f64) -> f64 {
        start + (value - self.low) / (self.high - self.low) * (end - start)
    }

    /// Whether `value` lies on the axis.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Label of a tick, with as many decimals as its neighbours need.
    pub fn label(&self, tick: f64) -> String {
        format!("{tick:.*}", self.decimals).replace('-', "\u{2212}")
    }
}

/// The round number (1, 2, 2.5 or 5 times a power of ten) nearest above `rough`.
fn round_step(rough: f64) -> f64 {
    let rough = if rough.is_finite() && rough > 0.0 {
        rough
    } else {
        1.0
    };
    let power = 10f64.powf(rough.log10().floor());
    let digit = rough / power;
    let round = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|round| digit <= round * 1.001);
    round.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::over([12.3, 30.7], (0.0, 100.0), 5);
        assert!(axis.ticks.iter().all(|tick| axis.holds(*tick)), "{axis:?}");
        assert_eq!(axis.label(axis.ticks[0]), "15");
        assert!((4..=6).contains(&axis.ticks.len()));
    }

    #[test]
    fn degenerate_data_still_give_an_axis() {
        for values in [
            vec![],
            vec![0.0],
            vec![5.0, 5.0],
            vec![f64::NAN],
            vec![1e300, -1e300],
        ] {
            let axis = Axis::over(values, (f64::NEG_INFINITY, f64::INFINITY), 4);
            assert!(axis.high > axis.low, "{axis:?}");
            assert!(axis.ticks.len() < 20);
        }
    }

    #[test]
    fn whole_axis_has_whole_ticks() {
        assert_eq!(Axis::whole(3, 5).ticks, [0.0, 1.0, 2.0, 3.0]);
        assert!(Axis::whole(0, 5).high > 0.0);
    }
}
