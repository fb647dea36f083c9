//! One minified stylesheet from `style/main.css` and all that it imports.
//!
//! Lightning CSS inlines the imports and lowers what the oldest supported browsers lack (nesting, `light-dark()`). The
//! floor is the first release of each engine with `color-mix()` and `oklch()`, which cannot be lowered.

use std::path::Path;

use anyhow::{Result, anyhow};
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
    targets::{Browsers, Targets},
};

const fn version(major: u32, minor: u32) -> Option<u32> {
    Some(major << 16 | minor << 8)
}

const BROWSERS: Browsers = Browsers {
    android: version(111, 0),
    chrome: version(111, 0),
    edge: version(111, 0),
    firefox: version(113, 0),
    ie: None,
    ios_saf: version(16, 4),
    opera: version(97, 0),
    safari: version(16, 4),
    samsung: version(22, 0),
};

pub fn bundle(entry: &Path) -> Result<String> {
    let targets = Targets::from(BROWSERS);
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(entry).map_err(|error| anyhow!("{error}"))?;
    sheet.minify(MinifyOptions { targets, ..MinifyOptions::default() }).map_err(|error| anyhow!("{error}"))?;
    let printed = sheet.to_css(PrinterOptions { minify: true, targets, ..PrinterOptions::default() });
    Ok(printed.map_err(|error| anyhow!("{error}"))?.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_inlined_and_what_old_browsers_lack_is_lowered() {
        let folder = std::env::temp_dir().join(format!("xtask-style-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let entry = folder.join("main.css");
        std::fs::write(&entry, "@layer base; @import './part.css' layer(base);").unwrap();
        let part = ":root { color-scheme: light dark; } .a { .b { color: light-dark(#123, #456); } }";
        std::fs::write(folder.join("part.css"), part).unwrap();
        let css = bundle(&entry).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();

        assert!(css.contains("@layer base"), "{css}");
        assert!(css.contains(".a .b"), "{css}");
        assert!(!css.contains("@import"), "{css}");
        assert!(!css.contains("light-dark("), "{css}");
    }

    #[test]
    fn the_console_s_own_stylesheet_is_understood_to_the_end() {
        let css = bundle(&crate::tree::root().join("style/main.css")).unwrap();
        assert!(!css.contains("@import") && !css.contains('&'), "{css}");
    }
}
