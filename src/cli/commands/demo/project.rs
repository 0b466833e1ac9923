//! The made-up project of a demo: a small repository, and pending edits of every kind.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::stage::Stage;
use crate::base::error::{IoContext as _, Result};

/// What is committed.
const COMMITTED: [(&str, &str); 9] = [
    ("README.md", "# Shop\n\nA till for a small shop. Prices are in euros.\n"),
    (".gitignore", ".claude/settings.local.json\n__pycache__/\n"),
    (
        "src/price.py",
        "\"\"\"What things cost.\"\"\"\n\n\ndef total(prices):\n    \"\"\"The sum of prices in euros.\"\"\"\n    result = 0.0\n    for price in prices:\n        result += price\n    return round(result, 2)\n",
    ),
    (
        "src/cart.py",
        "from price import total\n\n\nclass Cart:\n    def __init__(self):\n        self.items = []\n\n    def add(self, name, price):\n        self.items.append((name, price))\n\n    def total(self):\n        return total(price for _, price in self.items)\n",
    ),
    (
        "src/util.py",
        "def shown(price):\n    \"\"\"A price as customers read it.\"\"\"\n    return f\"{price:.2f} EUR\"\n",
    ),
    ("docs/rounding.md", "# Rounding\n\nEach sum is rounded to two digits.\n"),
    ("prices/2025.csv", "bread,2.40\nmilk,1.19\n"),
    ("prices/2026.csv", "bread,2.60\nmilk,1.25\n"),
    ("run.sh", "#!/bin/sh\nexec python3 -m unittest discover -s tests\n"),
];

const PRICE: &str = "\"\"\"What things cost.\"\"\"\n\n\ndef total(prices):\n    \"\"\"The sum of prices in cents.\"\"\"\n    return sum(prices)\n";

const CART_STAGED: &str = "from price import total\n\n\nclass Cart:\n    def __init__(self):\n        self.items = []\n\n    def add(self, name, cents):\n        self.items.append((name, cents))\n\n    def total(self):\n        return total(cents for _, cents in self.items)\n";

const TEST: &str = "import unittest\n\nfrom price import total\n\n\nclass TotalTest(unittest.TestCase):\n    def test_sums_cents(self):\n        self.assertEqual(total([240, 119]), 359)\n";

/// Makes the repository in the stage's folder, with its edits.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if a file can't be written or git fails.
pub(super) fn make(stage: &Stage<'_>) -> Result<()> {
    let shop = stage.shop();
    for (name, text) in COMMITTED {
        write(&shop, name, text.as_bytes())?;
    }
    write(&shop, "logo.ico", &picture(0))?;
    link(&shop, "prices/2025.csv")?;
    stage.quietly(&["git", "init", "-q", "-b", "main"])?;
    stage.quietly(&["git", "add", "."])?;
    stage.quietly(&["git", "commit", "-q", "-m", "A till for a small shop"])?;

    // Staged: a rename, and a change that another one follows in the work tree.
    stage.quietly(&["git", "mv", "src/util.py", "src/money.py"])?;
    write(&shop, "src/cart.py", CART_STAGED.as_bytes())?;
    stage.quietly(&["git", "add", "src/cart.py"])?;
    let later = format!("{CART_STAGED}\n    def clear(self):\n        self.items.clear()\n");
    write(&shop, "src/cart.py", later.as_bytes())?;
    // Not staged: changed, deleted, binary, a mode, a link, and new files.
    write(&shop, "src/price.py", PRICE.as_bytes())?;
    remove(&shop, "docs/rounding.md")?;
    write(&shop, "logo.ico", &picture(7))?;
    let script = shop.join("run.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).context("write", &script)?;
    remove(&shop, "prices/now.csv")?;
    link(&shop, "prices/2026.csv")?;
    write(&shop, "tests/test_price.py", TEST.as_bytes())?;
    write(&shop, "docs/open questions.md", b"Who converts the old receipts?\n")
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).context("create", above)?;
    }
    fs::write(&path, content).context("write", &path)
}

fn remove(folder: &Path, name: &str) -> Result<()> {
    let path = folder.join(name);
    fs::remove_file(&path).context("remove", &path)
}

/// Makes the link to the prices of a year.
fn link(folder: &Path, to: &str) -> Result<()> {
    let path = folder.join("prices/now.csv");
    symlink(to.trim_start_matches("prices/"), &path).context("create", &path)
}

/// Returns bytes that are no text.
fn picture(shade: u8) -> Vec<u8> {
    let pixels = (0..=u8::MAX).map(|pixel| pixel.wrapping_mul(31).wrapping_add(shade));
    [0, 0, 1, 0].into_iter().chain(pixels).collect()
}
