//! The anchored rules: what the tokens of vendors look like.
//!
//! A rule runs only where one of its keywords is. So its expression is compiled when the first keyword is
//! seen, and it never searches. A token must not begin within a word, unless its prefix is in none. Group 1, if there is one, is the
//! secret; otherwise the whole match is.

/// One vendor's token.
pub(super) struct VendorRule {
    /// What the placeholder calls it.
    pub(super) kind: &'static str,
    /// Where to look; the expression is tried at the start of each.
    pub(super) keywords: &'static [&'static str],
    /// The expression, on bytes and ASCII classes.
    pub(super) pattern: &'static str,
    /// How far before the keyword the match may begin.
    pub(super) back: usize,
    /// So many bytes behind the keyword can't be blanks: rejects most places at once.
    pub(super) tail: usize,
}

const fn rule(
    kind: &'static str,
    keywords: &'static [&'static str],
    pattern: &'static str,
    tail: usize,
) -> VendorRule {
    VendorRule { kind, keywords, pattern, back: 0, tail }
}

const fn around(
    kind: &'static str,
    keywords: &'static [&'static str],
    pattern: &'static str,
    back: usize,
    tail: usize,
) -> VendorRule {
    VendorRule { kind, keywords, pattern, back, tail }
}

/// Kinds of secrets without a shape of their own: only the text around them tells.
const IN_CONTEXT: [&str; 15] = [
    "secret",
    "aws-secret-key",
    "aws-session-token",
    "azure-key",
    "npm-token",
    "url-password",
    "bearer-token",
    "basic-auth",
    "header-token",
    "curl-password",
    "dsn-password",
    "pgpass",
    "smtp-password",
    "otp-secret",
    "redis-password",
];

/// Says whether a secret of this kind is found by its shape, wherever it is.
pub fn has_own_shape(kind: &str) -> bool {
    !IN_CONTEXT.contains(&kind)
}

/// Raised whenever a rule changes: what was scanned under another number is scanned again.
pub const VERSION: u32 = 7;

pub(super) const RULES: &[VendorRule] = &[
    // Models
    rule("anthropic-key", &["sk-ant-"], r"sk-ant-[a-z]{3,6}\d{2}-[\w-]{24,}", 24),
    rule("openai-key", &["sk-proj-", "sk-svcacct-", "sk-admin-"], r"sk-[a-z]+-[\w-]{32,}", 32),
    around("openai-key", &["T3BlbkFJ"], r"sk-[\w-]{16,80}T3BlbkFJ[\w-]{16,}", 84, 16),
    rule("openrouter-key", &["sk-or-v1-"], r"sk-or-v1-[0-9a-f]{64}", 64),
    rule("langfuse-key", &["sk-lf-"], r"sk-lf-[0-9a-f-]{36}", 36),
    rule("secret-key", &["sk-"], r"sk-[A-Za-z0-9]{32,64}", 32),
    rule("huggingface-token", &["hf_"], r"hf_[A-Za-z0-9]{34,40}", 34),
    rule("replicate-token", &["r8_"], r"r8_[A-Za-z0-9]{37}", 37),
    rule("groq-key", &["gsk_"], r"gsk_[A-Za-z0-9]{48,56}", 48),
    rule("xai-key", &["xai-"], r"xai-[A-Za-z0-9]{70,90}", 70),
    rule("perplexity-key", &["pplx-"], r"pplx-[A-Za-z0-9]{48,56}", 48),
    rule("nvidia-key", &["nvapi-"], r"nvapi-[\w-]{60,70}", 60),
    rule("pinecone-key", &["pcsk_"], r"pcsk_[\w]{50,80}", 50),
    rule("langsmith-key", &["lsv2_"], r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", 40),
    // Clouds
    rule("aws-key-id", &["AKIA", "ASIA", "ABIA", "ACCA"], r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}", 16),
    rule(
        "aws-secret-key",
        &["aws_secret", "AWS_SECRET", "ecretAccessKey", "aws-secret"],
        r#"(?i:aws_?-?secret[a-z_-]*|ecretAccessKey)[\s"'\\`]{0,6}(?:=>|[=:])[\s"'\\`]{0,6}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|\z)"#,
        0,
    ),
    rule(
        "aws-session-token",
        &["aws_session_token", "AWS_SESSION_TOKEN", "SessionToken"],
        r#"[A-Za-z_]+[\s"'\\`]{0,6}(?:=>|[=:])[\s"'\\`]{0,6}([A-Za-z0-9/+]{100,}={0,2})"#,
        0,
    ),
    rule("aws-bedrock-key", &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,}={0,2}", 100),
    rule("google-key", &["AIza"], r"AIza[\w-]{35}", 35),
    rule("google-token", &["ya29."], r"ya29\.[\w-]{30,}", 30),
    rule("google-client-secret", &["GOCSPX-"], r"GOCSPX-[\w-]{28}", 28),
    rule(
        "azure-key",
        &["AccountKey", "SharedAccessKey"],
        r"[A-Za-z]+Key(?:=|%3[dD])([A-Za-z0-9+/%]{43,90}(?:=|%3[dD]){1,2})",
        40,
    ),
    rule("azure-signature", &["sig="], r"sig=([A-Za-z0-9%+/]{43,90}(?:%3[dD]|=))", 43),
    around("azure-client-secret", &["Q~"], r"[\w.~-]{3}\dQ~[\w.~-]{31,34}", 4, 31),
    rule("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[0-9a-f]{64}", 64),
    rule("cloudflare-origin-key", &["v1.0-"], r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}", 171),
    rule("databricks-token", &["dapi"], r"dapi[0-9a-f]{32}(?:-\d)?", 32),
    rule("heroku-key", &["HRKU-"], r"HRKU-[\w-]{36,66}", 36),
    rule("fly-token", &["fm1_", "fm2_", "fo1_"], r"f(?:m[12]|o1)_[A-Za-z0-9+/=_,-]{40,}", 40),
    rule("netlify-token", &["nfp_", "nfc_", "nfo_"], r"nf[pco]_[A-Za-z0-9]{36}", 36),
    rule("supabase-token", &["sbp_"], r"sbp_[0-9a-f]{40}", 40),
    rule("supabase-key", &["sb_secret_"], r"sb_secret_[\w-]{31,}", 31),
    rule("pulumi-token", &["pul-"], r"pul-[0-9a-f]{40}", 40),
    around("terraform-token", &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}", 14, 60),
    rule("planetscale-token", &["pscale_"], r"pscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}", 36),
    rule("tailscale-key", &["tskey-"], r"tskey-[a-z]+-\w{8,}-\w{16,}", 26),
    // Code and packages
    rule("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"gh[pousr]_[A-Za-z0-9]{36,255}", 36),
    rule("github-token", &["github_pat_"], r"github_pat_\w{82}", 82),
    rule(
        "gitlab-token",
        &[
            "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glagent-", "gloas-", "glsoat-", "glffct-",
            "glimt-", "glft-",
        ],
        r"gl[a-z]{2,5}-[\w-]{20,}(?:\.[\w.]{9,})?",
        20,
    ),
    rule("npm-token", &["npm_"], r"npm_[A-Za-z0-9]{36}", 36),
    rule("npm-token", &["_authToken"], r#"_authToken[\s"']{0,3}=[\s"']{0,3}([\w+/=.-]{16,})"#, 0),
    rule("pypi-token", &["pypi-AgE"], r"pypi-AgE[\w-]{50,}", 50),
    rule("crates-token", &["cio"], r"cio[A-Za-z0-9]{32}", 32),
    rule("rubygems-key", &["rubygems_"], r"rubygems_[0-9a-f]{48}", 48),
    rule("docker-token", &["dckr_pat_", "dckr_oat_"], r"dckr_[op]at_[\w-]{27,32}", 27),
    rule("sourcegraph-token", &["sgp_"], r"sgp_(?:[0-9A-Fa-f]{16}_|local_)?[0-9A-Fa-f]{40}", 40),
    rule("postman-key", &["PMAK-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", 59),
    rule("doppler-token", &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa."], r"dp\.(?:pt|st|ct|sa)\.[\w.-]{40,}", 40),
    // Business
    rule(
        "slack-token",
        &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xoxe."],
        r"xox[abeprs][.-](?:xox[bp]-)?[A-Za-z0-9-]{24,}",
        24,
    ),
    rule("slack-token", &["xapp-"], r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{32,}", 40),
    rule(
        "slack-webhook",
        &["hooks.slack.com"],
        r"hooks\.slack\.com\\?/(?:services|workflows|triggers)\\?/([A-Za-z0-9+/\\]{40,})",
        40,
    ),
    rule("discord-webhook", &["/webhooks/"], r"/webhooks/\d{17,20}/([\w-]{60,})", 60),
    around("telegram-token", &[":AA"], r"(?:bot|\b)(\d{8,10}:AA[\w-]{32,33})", 14, 32),
    rule(
        "stripe-key",
        &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"],
        r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}",
        16,
    ),
    rule("webhook-secret", &["whsec_"], r"whsec_[A-Za-z0-9+/]{32,}={0,2}", 32),
    rule("square-token", &["sq0atp-", "sq0csp-"], r"sq0[a-z]{3}-[\w-]{22,}", 22),
    rule(
        "shopify-token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
        32,
    ),
    rule("twilio-key", &["SK"], r"SK[0-9a-f]{32}", 32),
    rule("sendgrid-key", &["SG."], r"SG\.[\w=.-]{66}", 66),
    rule("mailgun-key", &["key-"], r"key-[0-9a-f]{32}", 32),
    rule("resend-key", &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24,}", 33),
    rule("brevo-key", &["xkeysib-"], r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}", 81),
    rule("linear-key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}", 40),
    rule("notion-token", &["ntn_"], r"ntn_[A-Za-z0-9]{40,50}", 40),
    rule("figma-token", &["figd_"], r"figd_[\w-]{40,}", 40),
    rule("atlassian-token", &["ATATT3", "ATCTT3"], r"AT[AC]TT3[\w=-]{60,}", 60),
    around("airtable-token", &["pat"], r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", 0, 79),
    rule("sentry-token", &["sntrys_", "sntryu_"], r"sntry[su]_[\w+/=-]{64,}", 64),
    rule("newrelic-key", &["NRAK-"], r"NRAK-[A-Za-z0-9]{27}", 27),
    rule("grafana-token", &["glsa_", "glc_"], r"gl(?:sa|c)_[\w+/=]{32,}", 32),
    // Vaults and keys
    rule("onepassword-token", &["ops_eyJ"], r"ops_eyJ[\w=-]{100,}", 100),
    rule("vault-token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[\w-]{24,}", 24),
    rule("age-key", &["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", 58),
    rule("jwt", &["eyJ"], r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}", 34),
    // Passwords that were hashed: a guess can be tried on them
    rule("password-hash", &["$2a$", "$2b$", "$2y$"], r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", 50),
    rule("password-hash", &["$apr1$", "$1$"], r"\$(?:apr1|1)\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22}", 23),
    rule(
        "password-hash",
        &["$5$", "$6$"],
        r"\$[56]\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}",
        43,
    ),
    rule(
        "password-hash",
        &["$y$", "$7$", "$gy$"],
        r"\$(?:y|7|gy)\$[./A-Za-z0-9]+\$(?:[./A-Za-z0-9]{1,86}\$)?[./A-Za-z0-9]{43}",
        43,
    ),
    rule(
        "password-hash",
        &["$7$", "$6$"],
        r"\$[67]\$\d+\$[A-Za-z0-9+/]{8,24}={0,2}\$[A-Za-z0-9+/]{86}={0,2}",
        90,
    ),
    rule(
        "password-hash",
        &["$argon2"],
        r"\$argon2(?:id|i|d)\$(?:v=\d+\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{16,86}",
        20,
    ),
    rule(
        "password-hash",
        &["pbkdf2_sha256$", "pbkdf2_sha1$"],
        r"pbkdf2_sha\d+\$\d+\$[A-Za-z0-9]+\$[A-Za-z0-9+/=]{20,}",
        20,
    ),
    rule(
        "password-hash",
        &["SCRAM-SHA-256$"],
        r"SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{20,}:[A-Za-z0-9+/=]{20,}",
        40,
    ),
    rule(
        "password-hash",
        &["{SSHA}", "{SSHA256}", "{SSHA512}", "{SHA}", "{SHA256}", "{SHA512}", "{SMD5}", "{MD5}"],
        r"\{(?:S?SHA(?:256|512)?|S?MD5)\}[A-Za-z0-9+/]{20,}={0,2}",
        20,
    ),
    rule(
        "password-hash",
        &["'*", "\"*", "`*", "| *", ": *", ">*", "\t*", "\\t*"],
        r#"(?:['"`>:|\t]|\\t) ?\*([0-9A-F]{40})"#,
        40,
    ),
    rule("password-hash", &[" #"], r" #([0-9a-f]{64})", 64),
    rule(
        "password-hash",
        &["PASSWORD '*", "PASSWORD 'md5", "\"md5"],
        r#"(?:PASSWORD '|")(\*[0-9A-F]{40}|md5[0-9a-f]{32})['"]"#,
        0,
    ),
    // In context
    rule(
        "url-password",
        &["://", r":\/\/", r":\\/\\/"],
        r#":\\{0,2}/\\{0,2}/[^\s:/@"'`<>\\]{0,64}:([^\s/@"'`<>\\]{6,128})@[\w.\[-]"#,
        10,
    ),
    rule("bearer-token", &["Bearer ", "bearer "], r"[Bb]earer ([\w.+/~-]{20,}={0,2})", 0),
    rule("basic-auth", &["Basic ", "basic "], r"[Bb]asic ([A-Za-z0-9+/]{16,}={0,2})", 0),
    rule(
        "header-token",
        &["-Api-Key:", "-api-key:", "-Auth-Token:", "-auth-token:", "Private-Token:", "PRIVATE-TOKEN:"],
        r"-[A-Za-z-]+: ?([\w.+/=~-]{16,})",
        0,
    ),
    rule(
        "curl-password",
        &["-u ", "--user "],
        r#"-(?:u|-user) ["'\\]{0,2}[^\s:"'\\]{1,64}:([^\s"'\\:]{8,128})"#,
        0,
    ),
    // Sources of data that are no addresses
    around(
        "dsn-password",
        &["@tcp(", "@unix(", "@tcp6("],
        r#"[\w.-]{1,64}:([^\s@"'`]{6,128})@(?:tcp6?|unix)\("#,
        200,
        0,
    ),
    rule("dsn-password", &["thin:"], r#"thin:[^\s/:@"']{1,64}/([^\s@"']{6,128})@"#, 8),
    rule("url-password", &["://"], r#"://([A-Za-z0-9_-]{24,128})@[\w.\[-]"#, 26),
    rule("sentry-key", &["://"], r"://([0-9a-f]{32})@[a-z0-9.-]*(?:sentry|ingest)", 34),
    rule("webhook", &["/IncomingWebhook/"], r"/IncomingWebhook/([0-9a-f]{32})", 32),
    rule("otp-secret", &["otpauth://"], r#"otpauth://[^\s"']{0,200}[?&]secret=([A-Z2-7]{16,})"#, 10),
    rule(
        "smtp-password",
        &["334 UGFzc3dvcmQ6"],
        r"334 UGFzc3dvcmQ6[\s\\nrC:<>-]{1,12}([A-Za-z0-9+/]{8,}={0,2})",
        0,
    ),
    around(
        "pgpass",
        &[":5432:", ":5433:", ":5434:", ":6432:", ":6543:", ":15432:", ":25060:", ":*:"],
        r"(?:\A|[^:/\w.*-])[\w.*-]{1,80}:(?:\d+|\*):[\w*-]{1,64}:[\w*-]{1,64}:([^\s:]{6,128})",
        80,
        3,
    ),
    rule("smtp-password", &["]:587", "]:465", "]:25"], r"\]:\d+[ \t]+[^\s:]{1,80}:(\S{6,128})", 0),
    rule(
        "curl-password",
        &["user = \"", "user=\"", "user: \"", "user = \\\"", "user=\\\""],
        r#"user ?[=:] ?\\?"[^\s:"/]{1,64}:([^\s"/\\][^\s"\\]{7,127})\\?""#,
        8,
    ),
    rule("url-password", &["netloc='"], r"netloc='[^\s:'@/]{0,64}:([^\s'@/]{6,128})@", 8),
    rule("redis-password", &[" on >", " off >"], r" o(?:n|ff) >([^\s>=][^\s>]{7,127})", 8),
    rule(
        "redis-password",
        &["SETUSER ", "setuser "],
        r"(?i)setuser \S+ [^\n>]{0,200}>([^\s>=][^\s>]{7,127})",
        0,
    ),
    // Keys of connections and of files
    rule(
        "tls-secret",
        &["CLIENT_RANDOM ", "_TRAFFIC_SECRET ", "_TRAFFIC_SECRET_0 ", "EXPORTER_SECRET "],
        r"[A-Z_]+[A-Z_0]* [0-9a-f]{64} ([0-9a-f]{64,96})",
        64,
    ),
    around("openssl-key", &["iv ="], r"key=([0-9A-F]{32,64})\s+iv =", 80, 0),
    rule("private-key", &["(d #", "(u #"], r"\([du] #([0-9A-F]{32,})#\)", 32),
    rule("openshift-token", &["sha256~"], r"sha256~[\w-]{43}", 43),
];
