//! What these pages ask of a browser. Elsewhere each answers that it cannot be done; views never ask where they run.

use leptos::{ev, prelude::*};

use crate::domain::PublicKey;

/// The longest text that is taken for a configuration file.
#[cfg(feature = "hydrate")]
const LONGEST_FILE: f64 = 65_536.0;

/// Whether a page is alive: false on the server and while it hydrates.
pub fn alive() -> Signal<bool> {
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    alive.into()
}

pub fn pair() -> Result<(String, PublicKey), &'static str> {
    #[cfg(feature = "hydrate")]
    return crate::keys::pair();
    #[cfg(not(feature = "hydrate"))]
    Err("A key pair is made in a browser. Make it with wg(8) and paste the public key.")
}

pub fn public_of(private: &str) -> Option<PublicKey> {
    #[cfg(feature = "hydrate")]
    return crate::keys::public_of(private);
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = private;
        None
    }
}

/// The modules of a QR code, row by row, and how many a row has; `None` if the text is too long for one.
pub fn qr(text: &str) -> Option<(usize, Vec<bool>)> {
    #[cfg(feature = "hydrate")]
    {
        let code = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Low).ok()?;
        let side = code.size();
        let modules =
            (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).map(|(x, y)| code.get_module(x, y)).collect();
        Some((usize::try_from(side).ok()?, modules))
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = text;
        None
    }
}

/// Saves a text as a file on the person's device.
pub fn save(name: &str, text: &str) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::{
            wasm_bindgen::{JsCast, JsValue},
            web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url},
        };

        let options = BlobPropertyBag::new();
        options.set_type("application/octet-stream");
        let parts = js_sys::Array::of1(&JsValue::from_str(text));
        let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) else { return };
        let Ok(url) = Url::create_object_url_with_blob(&blob) else { return };
        if let Some(anchor) =
            document().create_element("a").ok().and_then(|element| element.dyn_into::<HtmlAnchorElement>().ok())
        {
            anchor.set_href(&url);
            anchor.set_download(name);
            anchor.click();
        }
        // The browser has taken the file by the next turn of its loop; the key shall not outlive it.
        set_timeout(move || _ = Url::revoke_object_url(&url), std::time::Duration::from_secs(1));
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (name, text);
}

/// The text of the file that was chosen in an input, or the sentence why there is none. The input forgets it.
pub fn read_chosen(event: &ev::Event, done: impl FnOnce(Result<String, &'static str>) + 'static) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::{wasm_bindgen::JsCast, web_sys::HtmlInputElement};

        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        let file = input.as_ref().and_then(|input| input.files()?.get(0));
        read(file, move |text| {
            if let Some(input) = input {
                input.set_value("");
            }
            done(text);
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (event, done);
}

/// The same for a file that was dropped.
pub fn read_dropped(event: &ev::DragEvent, done: impl FnOnce(Result<String, &'static str>) + 'static) {
    #[cfg(feature = "hydrate")]
    read(event.data_transfer().and_then(|data| data.files()?.get(0)), done);
    #[cfg(not(feature = "hydrate"))]
    let _ = (event, done);
}

#[cfg(feature = "hydrate")]
fn read(file: Option<leptos::web_sys::File>, done: impl FnOnce(Result<String, &'static str>) + 'static) {
    let Some(file) = file else { return };
    if file.size() > LONGEST_FILE {
        return done(Err("This file is too long for a WireGuard configuration."));
    }
    leptos::task::spawn_local(async move {
        let text = wasm_bindgen_futures::JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
        done(text.ok_or("The browser could not read this file."));
    });
}
