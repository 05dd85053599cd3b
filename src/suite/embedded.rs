//! The suites inside the program, from `data-manifests/suites/`.

/// The suites inside the program: name and text.
pub const EMBEDDED: [(&str, &str); 9] = [
    (
        "demo",
        include_str!("../../data-manifests/suites/demo.toml"),
    ),
    (
        "demo-clip",
        include_str!("../../data-manifests/suites/demo-clip.toml"),
    ),
    (
        "real-mini",
        include_str!("../../data-manifests/suites/real-mini.toml"),
    ),
    (
        "real-more",
        include_str!("../../data-manifests/suites/real-more.toml"),
    ),
    (
        "emoji-clip",
        include_str!("../../data-manifests/suites/emoji-clip.toml"),
    ),
    (
        "emoji-tasks",
        include_str!("../../data-manifests/suites/emoji-tasks.toml"),
    ),
    (
        "paper-figures",
        include_str!("../../data-manifests/suites/paper-figures.toml"),
    ),
    (
        "nas-bench-360",
        include_str!("../../data-manifests/suites/nas-bench-360.toml"),
    ),
    (
        "pdebench",
        include_str!("../../data-manifests/suites/pdebench.toml"),
    ),
];
