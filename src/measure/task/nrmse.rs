//! Normalised root mean square error of fields, channel by channel.

use super::descriptor::{How, TaskMetric};
use super::relative_l2::relative_norm;
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// Mean over samples and channels of RMSE / root mean square of the target.
pub const NRMSE: TaskMetric = TaskMetric {
    about: About {
        name: "nrmse",
        older: &[],
        title: "nRMSE",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, f64::INFINITY],
        values: "from 0",
        what: "Mean over samples and channels of the root mean square error in units of the target's root mean square.",
        computed: "Both over the numbers of one channel of one sample; predictions are [N, C, …], and [N, n] is one channel.",
        limits: "Channels with a small target weigh as much as those with a large one.",
        citation: "Takamoto et al., PDEBench, NeurIPS datasets and benchmarks 2022",
    },
    metric: Metric::Nrmse,
    chance: "1 for predictions of zero",
    how: How::Terms {
        maps: false,
        needs: "samples",
        of: |row, shape, p, t, terms| {
            let channels = if shape.len() > 2 { shape[1] } else { 1 };
            let length = p.len() / channels;
            let parts = p.chunks_exact(length).zip(t.chunks_exact(length));
            for (channel, (p, t)) in parts.enumerate() {
                let ratio = relative_norm(p, t);
                terms.push(Some(
                    ratio.ok_or(MeasureError::ZeroTarget { row, channel })?,
                ));
            }
            Ok(())
        },
    },
};
