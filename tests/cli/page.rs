//! The report as people meet it: in a real browser, on a phone and on a desk, in light and dark, with the
//! mouse, and with names that nobody would choose.

use super::browser::Browser;
use super::*;
use std::fs;
use std::sync::LazyLock;

/// A whole tiny run, made once for all tests.
static RUN: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    fs::write(&suite, TINY).unwrap();
    let run = home.path().join("run");
    let made = modalign(&[
        "report",
        "--suite",
        suite.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    home
});

/// Text whose contrast with what is behind it is below 4.5, by the formula of WCAG 2.
const PALE: &str = r#"(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const light = (c) => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest('script, style')) continue;
    const drawn = e.closest('svg');
    const style = getComputedStyle(e), ink = parse(drawn ? style.fill : style.color);
    // In a drawing the paper is the first rectangle; ink of its colour stands on a dark cell.
    const paper = drawn ? parse(getComputedStyle(drawn.querySelector('rect')).fill) : behind(e);
    if (drawn && ratio(ink, paper) < 1.3) continue;
    if (ratio(ink, paper) < 4.5) bad.push(`${e.textContent.trim().slice(0, 40)}: ${ratio(ink, paper).toFixed(2)} (${style.color} ${style.fill})`);
  }
  return bad.slice(0, 8);
})()"#;

/// Elements that stick out of the page and cannot be scrolled inside it.
const WIDE: &str = "document.documentElement.scrollWidth - innerWidth";

fn shots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots")
}

#[test]
fn the_report_reads_on_phone_and_desk_in_light_and_dark() {
    let page = RUN.path().join("run/report.html");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for (width, dark) in [(360, false), (360, true), (1440, false), (1440, true)] {
        let how = format!("{width} px, {}", if dark { "dark" } else { "light" });
        browser.open(&page, width, dark);
        let scheme = if dark { "dark" } else { "light" };
        browser.picture(&shots().join(format!("report-{width}-{scheme}.png")));
        assert_eq!(browser.value(WIDE), 0, "{how}: the page is too wide");
        let pale = browser.value(PALE);
        assert_eq!(pale, serde_json::json!([]), "{how}: text of low contrast");
        let silent = "[...document.querySelectorAll('figure svg[role=img], .samples svg')].filter(s => !s.getAttribute('aria-label')).length \
                      + [...document.images].filter(i => !i.alt).length";
        assert_eq!(browser.value(silent), 0, "{how}: a drawing without words");
        let tables = "[...document.querySelectorAll('main section')].filter(s => s.querySelector('figure') && !s.querySelector('table, .source')).map(s => s.id)";
        assert_eq!(
            browser.value(tables),
            serde_json::json!([]),
            "{how}: a figure without its table"
        );
    }
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn maps_answer_to_the_mouse() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&RUN.path().join("run/report.html"), 1440, false);
    let number = |value: serde_json::Value| value.as_f64().expect("a number");
    // The first sample of the first map, in the window.
    browser.value("document.querySelector('#figure-tsne').scrollIntoView()");
    let at = "(() => { const d = JSON.parse(document.getElementById('maps-data').textContent); \
              const p = document.querySelector('#figure-tsne .panel').getBoundingClientRect(); \
              const s = p.width / d.panel[0]; return [p.left + d.maps[0][0][0] * s, p.top + d.maps[0][0][1] * s]; })()";
    let at = browser.value(at);
    let at = (number(at[0].clone()), number(at[1].clone()));
    assert_eq!(browser.value("document.querySelector('.tip').hidden"), true);
    browser.mouse(at, false);
    assert_eq!(
        browser.value("document.querySelector('.tip').hidden"),
        false
    );
    let said = browser.value("document.querySelector('.tip').textContent");
    assert!(said.as_str().unwrap().contains("test sample"), "{said}");
    let pictured = "(() => { const i = document.querySelector('.tip i'); return !i.hidden && i.clientWidth > 20 \
                    && getComputedStyle(i).backgroundImage.startsWith('url(\"data:image/jpeg'); })()";
    assert_eq!(browser.value(pictured), true, "the sample's picture");
    assert_eq!(
        browser.value("document.querySelectorAll('.ring.on').length"),
        3,
        "in every map"
    );
    browser.picture(&shots().join("hover.png"));
    browser.mouse(at, true);
    let pressed = "document.querySelectorAll('.classes [aria-pressed=true]').length";
    assert_eq!(browser.value(pressed), 1, "its class is followed");
    let marks = "[...document.querySelectorAll('.layer g')].map(g => g.childElementCount)";
    let marks = browser.value(marks);
    assert!(
        marks
            .as_array()
            .unwrap()
            .iter()
            .all(|n| n.as_u64() > Some(0)),
        "{marks}"
    );
    // By name: another class, then none.
    browser.value("document.querySelectorAll('.classes button')[3].click()");
    browser.picture(&shots().join("followed.png"));
    assert_eq!(
        browser
            .value("document.querySelectorAll('.classes button')[3].getAttribute('aria-pressed')"),
        "true"
    );
    browser.value("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))");
    assert_eq!(browser.value(pressed), 0);
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn hostile_names_stay_text_and_keep_the_page_in_shape() {
    let hostile = [
        "</script><img src=x onerror=alert(1)>",
        "\u{202E}txet desrever\u{2066}",
        "=cmd|' /C calc'!A0",
        "<!--<svg/onload=alert(2)>",
    ];
    let long = "w".repeat(10_000);
    let run = tempfile::tempdir().unwrap();
    copy(&RUN.path().join("run"), run.path());
    for name in [
        "tsne", "pictures", "pairs", "matching", "probe", "targets", "results", "cells",
    ] {
        let path = run.path().join(format!("tables/{name}.csv"));
        let mut table = fs::read_to_string(&path).unwrap();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        for (from, to) in ["ring", "stripes", "disc", "EMG <b>&"].iter().zip(hostile) {
            table = table.replace(&format!(",{from},"), &format!(",{},", quoted(to)));
        }
        table = table.replace(",Unseen,", &format!(",{long},"));
        fs::write(path, table).unwrap();
    }
    let record = fs::read_to_string(run.path().join("run.json")).unwrap();
    let record = record.replace("\"Tiny\"", &serde_json::to_string(hostile[0]).unwrap());
    fs::write(run.path().join("run.json"), record).unwrap();
    let made = modalign(&["report", run.path().to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for width in [360, 1440] {
        browser.open(&run.path().join("report.html"), width, false);
        browser.picture(&shots().join(format!("hostile-{width}.png")));
        assert_eq!(browser.value(WIDE), 0, "{width} px: the page is too wide");
        let said = browser.value("document.body.textContent.includes('onerror=alert(1)')");
        assert_eq!(said, true, "the name is shown as text");
        let foreign = "document.querySelectorAll('img[onerror], svg[onload], script:not([id]):not(:last-of-type)').length";
        assert_eq!(browser.value(foreign), 0);
    }
    assert_eq!(browser.faults, Vec::<String>::new());
}

fn copy(from: &Path, to: &Path) {
    for name in ["tables", "samples"] {
        fs::create_dir_all(to.join(name)).unwrap();
        for entry in fs::read_dir(from.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            fs::copy(&path, to.join(name).join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::copy(from.join("run.json"), to.join("run.json")).unwrap();
}

#[test]
fn a_report_without_samples_holds_no_picture_of_the_data() {
    let run = tempfile::tempdir().unwrap();
    copy(&RUN.path().join("run"), run.path());
    let folder = run.path().to_str().unwrap();
    let made = modalign(&["report", folder, "--without-samples"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let page = fs::read_to_string(run.path().join("report.html")).unwrap();
    assert!(!page.contains("data:image/"), "no picture");
    assert!(page.contains("Pictures of samples are not in this report"));
    let with = modalign(&["report", folder]);
    assert!(with.status.success());
    let page = fs::read_to_string(run.path().join("report.html")).unwrap();
    assert!(
        page.matches("data:image/jpeg").count() > 1,
        "maps and classes"
    );
}

#[test]
fn a_run_that_was_killed_reports_what_it_has() {
    let home = tempfile::tempdir().unwrap();
    let (suite, run) = (home.path().join("tiny.toml"), home.path().join("run"));
    fs::write(&suite, TINY).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(["report", "--suite", suite.to_str().unwrap()])
        .args(["--out", run.to_str().unwrap()])
        .spawn()
        .expect("the program starts");
    // After the first transfer there are tables.
    while !run.join("tables/cells.csv").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let made = modalign(&["report", run.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let results = page.split_once("<table class=\"results\">").unwrap().1;
    assert!(
        results
            .split_once("</table>")
            .unwrap()
            .0
            .contains("not run")
    );
    assert!(page.contains("the run ended before"), "and why");
    assert!(page.contains("Figure 4"), "what was measured is drawn");
}

/// Tables of a finished sweep of 10 targets, 6 methods and 5 seeds: invented numbers of the right shapes.
fn large_sweep(run: &Path) {
    use std::fmt::Write as _;
    const METHODS: [&str; 6] = ["scratch", "frozen", "nft", "emb", "orca", "mona"];
    let mut tables: std::collections::BTreeMap<&str, String> = [
        ("probe", "encoder,encoder_title,method,seed,epochs,error,lower,upper,c,n_train,n_test\n"),
        ("geometry", "encoder,encoder_title,method,seed,epochs,align,uniform\n"),
        ("tsne", "encoder,encoder_title,x,y,label,class_name,sample,kl,trustworthiness\n"),
        ("targets", "target,target_title,method,seed,epochs,best_epoch,metric,valid,test,chance,n_train,n_valid,n_test,shape,seconds\n"),
        ("curves", "target,target_title,method,seed,epoch,train_loss,metric,valid\n"),
        ("cells", "target,target_title,method,seed,state,epochs,seconds,memory,device\n"),
        ("results", "target,target_title,method,metric,target_mean,target_lower,target_upper,target_best,source_mean,source_lower,source_upper,source_best,d_mean,d_lower,d_upper,d_best,seeds\n"),
        ("paired", "target,target_title,method,baseline,quantity,method_mean,baseline_mean,difference,lower,upper,seeds,samples\n"),
        ("seeds", "target,target_title,method,baseline,quantity,seed,method_value,baseline_value\n"),
        ("stage1", "target,target_title,method,seed,epoch,inner,align,uniform,outer_share,otdd,converged\n"),
        ("discrepancy", "target,target_title,divergence,embedder,value,lower,upper,null_mean,null_lower,null_upper,chance,normalized,lower_bound,gap,certified,n,target_classes,source_classes\n"),
        ("pairs", "target,target_title,target_class,source_class,probability,samples\n"),
        ("matching", "target,target_title,target_class,source_class,source,probability,matched\n"),
        ("pictures", "dataset,title,part,sample,name,view,file,row\n"),
    ]
    .map(|(name, head)| (name, head.to_owned()))
    .into();
    let mut state = 1u32;
    let mut draw = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let mut add =
        |name: &str, row: String| writeln!(tables.get_mut(name).unwrap(), "{row}").unwrap();
    for (encoder, title) in [("pixels", "Raw pixels"), ("pretrained", "Pretrained")] {
        add(
            "probe",
            format!("{encoder},{title},-,,,{},0.1,0.9,0.3,45000,10000", draw()),
        );
    }
    let map = |add: &mut dyn FnMut(&str, String),
               draw: &mut dyn FnMut() -> f64,
               id: &str,
               title: &str| {
        for sample in 0..2000 {
            let (x, y) = (40.0 * draw(), 40.0 * draw());
            add(
                "tsne",
                format!(
                    "{id},{title},{x:.6},{y:.6},{0},class {0},{sample},1.9,0.9",
                    sample % 10
                ),
            );
        }
    };
    map(&mut add, &mut draw, "pretrained", "Pretrained");
    for t in 0..10 {
        let id = format!("target-{t},Target {t}");
        map(
            &mut add,
            &mut draw,
            &format!("target-{t}"),
            &format!("Target {t}"),
        );
        for method in METHODS {
            add(
                "results",
                format!(
                    "{id},{method},error,{0},{0},{0},false,{0},{0},{0},true,{0},{0},{0},false,5",
                    draw()
                ),
            );
            for quantity in [
                "source-error",
                "target-error",
                "align",
                "uniform",
                "d-stage-1",
                "d-fine-tuned",
            ] {
                if method != "nft" {
                    let d = draw() - 0.5;
                    add(
                        "paired",
                        format!(
                            "{id},{method},nft,{quantity},0.4,0.4,{d},{},{},5,10000",
                            d - 0.1,
                            d + 0.1
                        ),
                    );
                    for seed in 0..5 {
                        let value = 0.4 + d + 0.05 * draw();
                        add(
                            "seeds",
                            format!("{id},{method},nft,{quantity},{seed},{value},0.4"),
                        );
                    }
                }
            }
            for seed in 0..5 {
                for epoch in 1..=3 {
                    if method == "mona" {
                        add(
                            "stage1",
                            format!("{id},{method},{seed},{epoch},1.5,{0},-{0},0.1,,", draw()),
                        );
                    }
                }
                add(
                    "cells",
                    format!("{id},{method},{seed},done,10,61.5,1200000000,flex"),
                );
                add(
                    "targets",
                    format!(
                        "{id},{method},{seed},10,10,error,{0},{0},0.95,8000,1000,2000,3×32×32,61.5",
                        draw()
                    ),
                );
                for epoch in [0, 1, 2, 5, 10] {
                    add(
                        "probe",
                        format!(
                            "{id},{method},{seed},{epoch},{},0.1,0.9,0.3,45000,10000",
                            draw()
                        ),
                    );
                    add(
                        "geometry",
                        format!("{id},{method},{seed},{epoch},{},{}", draw(), -2.0 * draw()),
                    );
                }
                for epoch in 0..=10 {
                    add(
                        "curves",
                        format!("{id},{method},{seed},{epoch},{},error,{}", draw(), draw()),
                    );
                }
            }
        }
        for embedder in ["initial", "fine-tuned"] {
            add(
                "discrepancy",
                format!(
                    "{id},error,{embedder},{},0.5,0.9,0.9,0.8,0.95,0.97,0.8,0.5,0.0,true,1000,20,80",
                    draw()
                ),
            );
        }
        for class in 0..20 {
            add(
                "pairs",
                format!("{id},class {class},source {class},{},50", draw()),
            );
            for source in 0..28 {
                let matched = source == class;
                add(
                    "matching",
                    format!(
                        "{id},class {class},source {source},{source},{},{matched}",
                        draw()
                    ),
                );
            }
            for row in 3 * class..3 * class + 3 {
                add(
                    "pictures",
                    format!("{id},train,{row},class {class},image,samples/target-{t}.npy,{row}"),
                );
            }
        }
    }
    for sample in 0..2000 {
        let name = sample % 10;
        add(
            "pictures",
            format!(
                "surrogate,Surrogate,test,{sample},class {name},image,samples/surrogate.npy,{sample}"
            ),
        );
    }
    for folder in ["tables", "samples"] {
        fs::create_dir_all(run.join(folder)).unwrap();
    }
    for (name, table) in &tables {
        fs::write(run.join(format!("tables/{name}.csv")), table).unwrap();
    }
    // Slopes with some noise, as photographs have.
    let mut pictures = |name: &str, count: usize| {
        let head =
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, 3, 32, 32), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((head.len() as u16 + 1).to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.push(b'\n');
        for at in 0..count * 3072 {
            let slope = (at % 32 * 3 + at / 32 % 32 * 4 + at / 1024 * 37) % 230;
            bytes.push(slope as u8 + (draw() * 24.0) as u8);
        }
        fs::write(run.join(format!("samples/{name}.npy")), bytes).unwrap();
    };
    pictures("surrogate", 2000);
    (0..10).for_each(|t| pictures(&format!("target-{t}"), 60));
    fs::write(run.join("run.json"), "{\"suite_title\": \"A large sweep\"}").unwrap();
}

#[test]
fn the_report_of_a_large_sweep_is_one_file_that_can_be_sent() {
    let run = tempfile::tempdir().unwrap();
    large_sweep(run.path());
    let started = std::time::Instant::now();
    let made = modalign(&["report", run.path().to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let seconds = started.elapsed().as_secs_f64();
    let report = run.path().join("report.html");
    let size = fs::metadata(&report).unwrap().len() as f64 / 1e6;
    println!(
        "10 targets × 6 methods × 5 seeds: report and figures in {seconds:.1} s, report.html {size:.1} MB"
    );
    assert!(size <= 10.0, "{size} MB");
    if let Some(mut browser) = Browser::start() {
        browser.open(&report, 1440, false);
        browser.picture(&shots().join("large.png"));
        assert_eq!(
            browser.value("document.querySelectorAll('#figure-tsne .panel').length"),
            12
        );
        assert_eq!(browser.faults, Vec::<String>::new());
    }
}
