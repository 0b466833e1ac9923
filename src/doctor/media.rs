//! What an image or a document in a message is: its type, its size, its sides, and whether the API takes it by itself.
//!
//! Pure. Owns `data_encoding` and `imagesize`. The limits are the API's documented ones. That an image is whole is not
//! checked: only its beginning is read.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64_MIME_PERMISSIVE;
use imagesize::ImageType;
use serde::Deserialize;

/// The most that one image may measure in base64, in bytes.
pub(super) const LARGEST_IMAGE: u64 = 5 << 20;

/// The longest side of an image, in pixels.
pub(super) const LONGEST_SIDE: u32 = 8_000;

/// The longest side of an image in a request with more than [`FEW_IMAGES`] of them.
pub(super) const LONGEST_OF_MANY: u32 = 2_000;

/// The most images in a request whose sides may be up to [`LONGEST_SIDE`].
pub(super) const FEW_IMAGES: usize = 20;

/// The most images that every model takes in one request. Models with a long context take more.
pub(super) const MOST_IMAGES: usize = 100;

/// The most that a request may measure, in bytes.
pub(super) const LARGEST_REQUEST: u64 = 32 << 20;

/// An image or a document in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub what: What,
    /// How large it is in the message, in bytes.
    pub bytes: u64,
    /// Its width and height in pixels, as far as they are known.
    pub sides: Option<Sides>,
    /// Why the API refuses it, whatever else is in the request.
    pub fault: Option<Fault>,
}

/// What can be in a message beside text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An image.
    Image,
    /// A PDF.
    Document,
}

/// The sides of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Sides {
    /// Returns the longer one.
    pub fn longest(self) -> u32 {
        self.width.max(self.height)
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} px", self.width, self.height)
    }
}

/// Why the API refuses an image or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has too many bytes.
    TooLarge,
    /// A side is too long.
    TooLong,
    /// It is an image, but not of the type that is said of it: of this one.
    MediaType(&'static str),
    /// It is no image of a type that the API takes.
    NoImage,
    /// It is elsewhere, at an address that is none on the web.
    Address,
    /// It is no PDF.
    NoPdf,
    /// The PDF asks for a password.
    Locked,
}

/// Writes a size as the limits are written, in MB of 1,048,576 bytes, or in bytes.
pub(super) fn size_text(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    match tenths {
        0 => format!("{bytes} bytes"),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MB", tenths / 10),
        _ => format!("{}.{} MB", tenths / 10, tenths % 10),
    }
}

/// The `source` of a block.
#[derive(Deserialize)]
struct BlockSource<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    media_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
}

/// Looks at the JSON of a block's `source`; `None` if it is elsewhere, where the API may get it.
pub(super) fn look(what: What, source: &str) -> Option<Media> {
    let source: BlockSource<'_> = serde_json::from_str(source).ok()?;
    let data = source.data.as_deref().unwrap_or_default();
    if source.kind == "url" {
        let url = source.url.as_deref().unwrap_or_default().to_ascii_lowercase();
        let is_on_the_web = url.starts_with("https://") || url.starts_with("http://");
        let fault = Some(Fault::Address);
        return (!is_on_the_web).then_some(Media { what, bytes: 0, sides: None, fault });
    }
    (source.kind == "base64").then(|| look_at(what, data, source.media_type.as_deref()))
}

/// Looks at an image or a document in base64, of which this media type is said.
pub(super) fn look_at(what: What, data: &str, said: Option<&str>) -> Media {
    let content = BASE64_MIME_PERMISSIVE.decode(data.as_bytes()).unwrap_or_default();
    let bytes = data.len() as u64;
    match what {
        What::Document => Media { what, bytes, sides: None, fault: fault_of_pdf(&content) },
        What::Image => {
            let sides = sides(&content);
            Media { what, bytes, sides, fault: fault_of_image(bytes, sides, &content, said) }
        }
    }
}

fn fault_of_image(bytes: u64, sides: Option<Sides>, content: &[u8], said: Option<&str>) -> Option<Fault> {
    let Some(is) = media_type(content) else { return Some(Fault::NoImage) };
    if bytes > LARGEST_IMAGE {
        Some(Fault::TooLarge)
    } else if sides.is_some_and(|sides| sides.longest() > LONGEST_SIDE) {
        Some(Fault::TooLong)
    } else {
        (said != Some(is)).then_some(Fault::MediaType(is))
    }
}

fn fault_of_pdf(content: &[u8]) -> Option<Fault> {
    let start = content.get(..1_024).unwrap_or(content);
    if memchr::memmem::find(start, b"%PDF-").is_none() {
        return Some(Fault::NoPdf);
    }
    memchr::memmem::find(content, b"/Encrypt").map(|_| Fault::Locked)
}

/// Returns the type of an image, as the API calls it; `None` for all that it does not take.
fn media_type(content: &[u8]) -> Option<&'static str> {
    match imagesize::image_type(content).ok()? {
        ImageType::Png => Some("image/png"),
        ImageType::Jpeg => Some("image/jpeg"),
        ImageType::Gif => Some("image/gif"),
        ImageType::Webp => Some("image/webp"),
        _ => None,
    }
}

fn sides(content: &[u8]) -> Option<Sides> {
    let size = imagesize::blob_size(content).ok()?;
    Some(Sides { width: u32::try_from(size.width).ok()?, height: u32::try_from(size.height).ok()? })
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use serde_json::json;

    use super::*;

    fn png(width: u32, height: u32, padding: usize) -> Vec<u8> {
        let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        image.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        image.extend(vec![0; padding + 16]);
        image
    }

    fn image(content: &[u8], said: Option<&str>) -> Media {
        let source = json!({"type": "base64", "media_type": said, "data": BASE64.encode(content)});
        look(What::Image, &source.to_string()).expect("an image")
    }

    #[test]
    fn an_image_is_measured_and_each_limit_is_told() {
        let good = image(&png(8_000, 4, 0), Some("image/png"));
        assert_eq!((good.sides.map(Sides::longest), good.fault), (Some(8_000), None));
        let most = (LARGEST_IMAGE / 4 * 3) as usize - 40;
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x10\0\x20\x03".to_vec();
        for (content, said, fault) in [
            (png(8_001, 4, 0), Some("image/png"), Some(Fault::TooLong)),
            (png(4, 8_001, 0), Some("image/png"), Some(Fault::TooLong)),
            (png(4, 4, most), Some("image/png"), None),
            (png(4, 4, most + 64), Some("image/png"), Some(Fault::TooLarge)),
            (png(4, 4, 0), Some("image/jpeg"), Some(Fault::MediaType("image/png"))),
            (png(4, 4, 0), None, Some(Fault::MediaType("image/png"))),
            (jpeg, Some("image/jpeg"), None),
            (b"GIF89a\x10\0\x20\0\0\0\0\0".to_vec(), Some("image/gif"), None),
            (b"BM\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), Some("image/bmp"), Some(Fault::NoImage)),
            (
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
                Some("image/png"),
                Some(Fault::NoImage),
            ),
            (Vec::new(), Some("image/png"), Some(Fault::NoImage)),
        ] {
            let name = String::from_utf8_lossy(content.get(..12).unwrap_or(&content)).into_owned();
            assert_eq!(image(&content, said).fault, fault, "{name:?} said to be {said:?}");
        }
        let not_encoded = json!({"type": "base64", "media_type": "image/png", "data": "no *** base64"});
        let found = look(What::Image, &not_encoded.to_string()).expect("an image");
        assert_eq!(found.fault, Some(Fault::NoImage));
    }

    #[test]
    fn a_document_is_a_pdf_that_opens() {
        let of = |content: &[u8]| {
            let source =
                json!({"type": "base64", "media_type": "application/pdf", "data": BASE64.encode(content)});
            look(What::Document, &source.to_string()).expect("a document").fault
        };
        assert_eq!(of(b"%PDF-1.7\nxyz\n"), None);
        assert_eq!(of(b"A=secret\n"), Some(Fault::NoPdf));
        assert_eq!(of(b"%PDF-1.7\ntrailer <</Encrypt 5 0 R>>"), Some(Fault::Locked));
    }

    #[test]
    fn what_is_elsewhere_is_not_looked_at() {
        assert_eq!(look(What::Image, r#"{"type":"url","url":"https://x.example/a.png"}"#), None);
        assert_eq!(look(What::Document, r#"{"type":"text","data":"hello"}"#), None);
        assert_eq!(look(What::Image, "7"), None);
        for url in ["file:///a.png", "/a.png", ""] {
            let found = look(What::Image, &json!({"type": "url", "url": url}).to_string());
            assert_eq!(found.expect("an image").fault, Some(Fault::Address), "{url}");
        }
    }
}
