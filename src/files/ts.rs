//! The `.ts` text format of the UCR archive and sktime: one series a line, values separated by
//! commas, a colon, the class. Univariate series of equal length without gaps are read; what the
//! header says otherwise is refused.

use super::{Fault, fault};

/// Series of equal length with their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Class names in the header's order.
    pub classes: Vec<String>,
    /// Values of a series.
    pub length: usize,
    /// Series after series.
    pub values: Vec<f32>,
    /// Position of each series' class.
    pub labels: Vec<usize>,
}

/// Parses the text of a file.
///
/// # Errors
/// A header that asks for more than this, a value that is no finite number, a series of another
/// length, a class that the header does not name; each with its line.
pub fn parse(text: &str) -> Result<Series, Fault> {
    let mut out = Series {
        classes: Vec::new(),
        length: 0,
        values: Vec::new(),
        labels: Vec::new(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut data = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let place = || format!("line {}", number + 1);
        if line.is_empty() || line.starts_with(['#', '%']) {
            continue;
        }
        if !data {
            let mut words = line.split_whitespace();
            let key = words.next().unwrap_or_default().to_lowercase();
            let value = words.next().unwrap_or_default();
            match (key.as_str(), value) {
                ("@timestamps" | "@missing", "false")
                | ("@univariate" | "@equallength", "true") => {}
                ("@timestamps" | "@missing" | "@univariate" | "@equallength", _) => {
                    let expected = "one series of equal length a sample, without gaps and times";
                    return fault(place(), expected, line);
                }
                ("@classlabel", "true") => out.classes = words.map(str::to_owned).collect(),
                ("@classlabel", _) => return fault(place(), "class labels", line),
                ("@data", _) => data = true,
                (key, _) if key.starts_with('@') => {}
                _ => return fault(place(), "a header line with @", line),
            }
            continue;
        }
        let Some((values, class)) = line.rsplit_once(':') else {
            return fault(place(), "values, a colon and a class", line);
        };
        let before = out.values.len();
        for value in values.split(',') {
            match value.trim().parse::<f32>() {
                Ok(v) if v.is_finite() => out.values.push(v),
                _ => return fault(place(), "finite numbers of one dimension", value),
            }
        }
        let length = out.values.len() - before;
        if out.length == 0 {
            out.length = length;
        }
        if length != out.length {
            return fault(place(), format!("{} values", out.length), length);
        }
        match out.classes.iter().position(|c| c == class.trim()) {
            Some(label) => out.labels.push(label),
            None => {
                return fault(
                    place(),
                    format!("a class of {}", out.classes.join(", ")),
                    class,
                );
            }
        }
    }
    match out.labels.is_empty() {
        true => fault("series", "at least one behind @data", "none"),
        false => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "#note\n@problemName X\n@timeStamps false\n@missing false\n\
        @univariate true\n@equalLength true\n@seriesLength 3\n@classLabel true 1 2\n@data\n\
        1,2.5,-3:2\n4,5,6e-1:1\n";

    #[test]
    fn series_and_classes_are_read_and_oddities_named() {
        let series = parse(GOOD).unwrap();
        assert_eq!((series.length, &series.labels[..]), (3, &[1, 0][..]));
        assert_eq!(series.values, [1.0, 2.5, -3.0, 4.0, 5.0, 0.6]);
        let said = |from: &str, to: &str| parse(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(said(":1", ":7").contains("line 11"));
        assert!(said("2.5", "NaN").contains("finite"));
        assert!(said(",5", "").contains("3 values"));
        assert!(said("@univariate true", "@univariate false").contains("one series"));
        assert!(said("4,5,6e-1:1", "4,5,6e-1").contains("a colon"));
        assert!(said("@data", "data").contains("header line"));
        assert_eq!(
            parse(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).unwrap(),
            series
        );
        assert!(said(":1", ":7").contains("a class of 1, 2, found 7"));
        assert!(parse("").is_err());
    }

    #[test]
    fn no_flip_makes_a_series_panic() {
        crate::files::fuzz::rounds(GOOD.as_bytes(), 500, |bytes, _| {
            parse(&String::from_utf8_lossy(bytes))
        });
    }
}
