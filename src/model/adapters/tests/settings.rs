//! Settings of tunings: what is refused, and that they are read as they are written.

use super::*;

#[test]
fn impossible_settings_are_refused_by_name() {
    let of = loaded(DType::F32);
    let low_rank = Settings::LowRank;
    let adapter = Settings::FeatureAdapter;
    for (settings, temperature, part) in [
        (Settings::Untouched(Nothing {}), 0.0, "temperature"),
        (Settings::Whole(Nothing {}), f64::NAN, "temperature"),
        (Settings::Projections(Nothing {}), 1e-60, "temperature"),
        (
            low_rank(LowRankSettings {
                rank: 0,
                ..LOW_RANK
            }),
            0.07,
            "rank",
        ),
        (
            low_rank(LowRankSettings {
                rank: 33,
                ..LOW_RANK
            }),
            0.07,
            "at most 32",
        ),
        (
            low_rank(LowRankSettings {
                alpha: 0.0,
                ..LOW_RANK
            }),
            0.07,
            "alpha",
        ),
        (
            Settings::Bottleneck(BottleneckSettings { width: 0 }),
            0.07,
            "width",
        ),
        (
            adapter(FeatureAdapterSettings {
                ratio: 1.5,
                ..FEATURE_ADAPTER
            }),
            0.07,
            "ratio",
        ),
        (
            adapter(FeatureAdapterSettings {
                reduction: 0,
                ..FEATURE_ADAPTER
            }),
            0.07,
            "reduction",
        ),
        (
            adapter(FeatureAdapterSettings {
                reduction: 21,
                ..FEATURE_ADAPTER
            }),
            0.07,
            "at most 20",
        ),
        (
            Settings::Harma(HarmaShape { heads: 3, ..HARMA }),
            0.07,
            "heads",
        ),
    ] {
        let tuning = Tuning::new(&of.config, &of.towers, settings, temperature, 0);
        let told = tuning.err().unwrap().to_string();
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn settings_are_read_as_they_are_written() {
    for settings in kinds().into_iter().chain(Settings::all()) {
        let table = serde_json::to_value(settings).unwrap();
        assert_eq!(table["name"], settings.name());
        assert_eq!(serde_json::from_value::<Settings>(table).unwrap(), settings);
        let text = settings.json().to_string();
        assert_eq!(Settings::read(settings.name(), &text).unwrap(), settings);
        let told = Settings::read(settings.name(), "{\"widht\": 3}").unwrap_err();
        assert!(told.to_string().contains("widht"), "{told}");
        let least = Settings::read(settings.name(), "{}").unwrap();
        assert!(Settings::all().contains(&least));
    }
    let told = Settings::read("prompt", "{}").unwrap_err().to_string();
    assert!(
        told.contains("low-rank") && told.contains("prompt"),
        "{told}"
    );
    for json in ["[]", "{\"name\": \"whole\"}", "{\"rank\": 0}"] {
        assert!(Settings::read("low-rank", json).is_err(), "{json}");
    }
}
