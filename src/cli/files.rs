//! The files that a command reads and writes. A file that is already read or written must not be written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::exit::Failure;

/// Files in use, so that a mistyped name does not overwrite another file.
#[derive(Debug, Default)]
pub struct Files {
    used: Vec<(PathBuf, &'static str)>,
}

impl Files {
    /// Registers a file that is read, as a `scenario` or a `trace`.
    pub fn reads(&mut self, path: &Path, what: &'static str) {
        self.used.push((place_of(path), what));
    }

    /// Registers a file that is to be written.
    ///
    /// # Errors
    /// If it is already in use.
    pub fn writes(&mut self, path: &Path) -> Result<(), Failure> {
        let place = place_of(path);
        // Several outputs may go to one pipe or device, such as /dev/stdout.
        let is_file = !place.exists() || place.is_file();
        if is_file && let Some((_, what)) = self.used.iter().find(|(used, _)| *used == place) {
            let message = format!("{}: this is {what}; write to another file", path.display());
            return Err(Failure::BadInput(message));
        }
        self.used.push((place, "written already"));
        Ok(())
    }
}

/// The canonical path, whatever links and dots lead to it. The file itself need not exist yet.
fn place_of(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().unwrap_or_default();
        folder.join(path.file_name().map_or_else(OsString::new, OsString::from))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_written_that_is_in_use() {
        let folder = tempfile::tempdir().expect("makes a directory");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.json"), "{}").expect("writes");
        let mut files = Files::default();
        files.reads(&at("a.json"), "a scenario");
        assert!(files.writes(&at("./a.json")).is_err(), "the scenario itself");
        assert!(files.writes(&at("b.json")).is_ok());
        assert!(files.writes(&at("b.json")).is_err(), "twice");
        assert!(files.writes(Path::new("/dev/null")).is_ok() && files.writes(Path::new("/dev/null")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_what_it_points_to() {
        let folder = tempfile::tempdir().expect("makes a directory");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.json"), "{}").expect("writes");
        std::os::unix::fs::symlink(at("a.json"), at("link.json")).expect("links");
        let mut files = Files::default();
        files.reads(&at("a.json"), "a scenario");
        assert!(files.writes(&at("link.json")).is_err());
    }
}
