//! What a stage of training refuses before it starts.

use super::error::TransferError;
use crate::dataset::{Dataset, TargetShape};
use crate::suite::training::TrainSettings;

impl TrainSettings {
    /// Checks that training can run with these settings on a training set.
    pub fn check(&self, set: &dyn Dataset) -> Result<(), TransferError> {
        let wrong = |setting, expected: &str, found: String| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found,
            })
        };
        if set.is_empty() {
            return wrong("training set", "at least one sample", "none".into());
        }
        if let Some((setting, expected, found)) = self.conflict() {
            return wrong(setting, expected, found);
        }
        if self.batch == 0 {
            return wrong("batch", "at least 1", "0".into());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong(
                "learning_rate",
                "a positive number",
                self.learning_rate.to_string(),
            );
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong(
                "label_smoothing",
                "0 to below 1",
                self.label_smoothing.to_string(),
            );
        }
        for (setting, value) in [
            ("weight_decay", self.weight_decay),
            ("clip", self.clip),
            ("warmup_epochs", self.warmup_epochs),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(setting, "zero or a positive number", value.to_string());
            }
        }
        for (setting, value, most) in [
            ("random_erasing", self.random_erasing, 1.0),
            ("average", self.average, 1.0 - f64::EPSILON),
        ] {
            if !(0.0..=most).contains(&value) {
                let expected = if most == 1.0 {
                    "from 0 to 1"
                } else {
                    "from 0 to below 1"
                };
                return wrong(setting, expected, value.to_string());
            }
        }
        for (setting, value) in [("mixup", self.mixup), ("cutmix", self.cutmix)] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(setting, "zero or a positive number", value.to_string());
            }
            if value > 0.0 && set.target_shape() != TargetShape::Class {
                return wrong(
                    setting,
                    "0, because only sets of one class a sample are mixed",
                    value.to_string(),
                );
            }
        }
        if let Some(name) = self.augmentation().name()
            && matches!(set.target_shape(), TargetShape::Field(_))
        {
            return wrong(
                "augment",
                "none, because a field would have to move with its sample",
                name.into(),
            );
        }
        Ok(())
    }
}
