//! What a file is by the end of its name: source, text or an image, which no tool runs or obeys for that
//! reason, or anything else.

use super::Concern;

/// Source that does nothing until somebody builds or starts it.
const SOURCE: &str = "
    ada adb ads asm astro bas c cc cbl cjs clj cljc cljs cls cob cpp cppm cr cs cshtml css ctp cts cu cuh cxx d dart
    erb erl ejs ex exs f f03 f08 f77 f90 f95 feature for frag frm fs fsi geom gleam glsl go gql graphql h haml hbs heex
    hh hlsl hpp hrl hs html htm hxx idr inc inl ino java jinja jinja2 j2 jl js jsp jsx kt less lean liquid lisp lhs
    lua m md mdx metal mjs ml mli mll mly mm mts mustache nim njk odin p6 pas php phtml pl pm proto pug purs py pyi
    pyx pxd r raku razor rb re rei res resi rkt rs rst s sass scala scm scss slim sol sql ss st stories styl sv svelte
    svh swift tcl tex thrift ts tsx twig v vala vb vert vhd vhdl vue wat wgsl xaml xhtml xsl xslt zig
";

/// Text that people read.
const TEXT: &str =
    "adoc asciidoc bib csv log markdown md mdown org po pot rdoc rst text textile tsv txt wiki diff patch";

/// Images, sounds, films and fonts.
const MEDIA: &str = "
    avif bmp eot gif heic ico jpeg jpg m4a mov mp3 mp4 ogg otf png svg tif tiff ttf wav webm webp woff woff2 flac
";

/// Files without an ending that are text.
const PLAIN: &str = "
    authors changelog changes contributing contributors copying copyright credits history licence license maintainers
    news notice readme thanks todo
";

/// What a build reads or runs.
const BUILD: &str = "
    ac am bazel bp bzl buck cabal cake cmake containerfile csproj csx dockerfile ebuild fsproj fsx gemspec gradle gyp
    gypi in jam just kts lock m4 mak make mk mod nims nimble ninja nix opam pbxproj podspec pri pro proj props pth rake
    rockspec ru sbt sc sln slnx spec sum targets thor vbproj vcxproj work xcconfig
";

/// What is executed, or loaded into what is.
const PROGRAM: &str = "
    a ahk app applescript au3 awk bash bat bin cgi class cmd com command csh dll dylib ear elc exe expect fish hta jar
    ko ksh lnk mpkg msi nu node o pkg ps1 psd1 psm1 pyc pyd pyo pyz scpt scr sh so vbe vbs war wasm workflow wsf xonsh
    zsh desktop url reg vim el
";

/// What tools read their settings from.
const SETTINGS: &str = "
    cfg cnf conf config cue dhall edn env hcl hocon ini json json5 jsonc jsonnet kdl libsonnet neon plist prefs
    properties rc rego ron settings tf tfvars toml xml yaml yml
";

/// Says why a file needs a yes, by the end of its (folded) name; `None` if it is source, text or an
/// image.
pub(super) fn kind(file: &str) -> Option<Concern> {
    let is_of = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    let Some((_, end)) = file.rsplit_once('.') else {
        return (!is_of(PLAIN, file)).then_some(Concern::Unknown);
    };
    match end {
        _ if [SOURCE, TEXT, MEDIA].iter().any(|list| is_of(list, end)) => None,
        _ if is_of(BUILD, end) => Some(Concern::Build),
        _ if is_of(PROGRAM, end) => Some(Concern::Program),
        _ if is_of(SETTINGS, end) => Some(Concern::Settings),
        _ => Some(Concern::Unknown),
    }
}

/// Says whether a file is of a language whose files tools load by name, without a build.
pub(super) fn is_script(end: &str) -> bool {
    const SCRIPTS: &str = "cjs cts js jsx mjs mts ts tsx py rb php pl pm lua jl m r tcl exs clj raku coffee";
    SCRIPTS.split_whitespace().any(|one| one == end)
}
