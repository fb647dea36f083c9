use leptos::prelude::*;

/// How much went through: "1.4 GB", in mono with tabular numerals. Zero is quiet.
#[component]
pub fn Bytes(count: u64) -> impl IntoView {
    view! { <span class="fact nowrap" class:quiet=count == 0>{bytes(count)}</span> }
}

/// "0", "880 B", "31.2 MB", "184 GB": decimal units, three digits at most.
pub fn bytes(count: u64) -> String {
    scaled(count, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// "412 Mb/s" of bits a second.
pub fn rate(bits_per_second: u64) -> String {
    scaled(bits_per_second, &["b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s", "Pb/s", "Eb/s"])
}

/// "4,096": groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whole numbers below a thousand, then one decimal below a hundred.
fn scaled(count: u64, units: &[&str]) -> String {
    if count == 0 {
        return "0".to_owned();
    }
    let mut unit = 0;
    let mut tenths = count.saturating_mul(10);
    // 9,995 tenths would print as "1000".
    while tenths >= 9_995 && unit + 1 < units.len() {
        tenths = tenths / 1000 + u64::from(tenths % 1000 >= 500);
        unit += 1;
    }
    let text = if unit == 0 || tenths >= 995 || tenths.is_multiple_of(10) {
        ((tenths + 5) / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    format!("{text} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_and_a_unit() {
        let cases = [
            (0, "0"),
            (880, "880 B"),
            (1_400_000_000, "1.4 GB"),
            (31_000_000, "31 MB"),
            (96_140_000_000, "96.1 GB"),
            (184_200_000_000, "184 GB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(bytes(999_999), "1 MB");
        assert_eq!(bytes(u64::MAX), "1.8 EB");
        assert_eq!(rate(412_000_000), "412 Mb/s");
    }

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!([grouped(7), grouped(4096), grouped(17_891_328)], ["7", "4,096", "17,891,328"]);
    }
}
