//! The only writer of files. A file is written next to its target, synced, and renamed: a crash never leaves half a
//! file.
//!
//! It chooses the format by extension, and rejects a file that it cannot write before the simulation begins.

use super::chart::{self, Look, PictureError};
use super::handout::Handout;
use super::pdf::{self, Paper};
use super::{html, json, sweep};
use crate::analysis::result::{Answer, Document};
use serde::Serialize;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use thiserror::Error;

/// A file to write. Its format is known and its directory exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    path: PathBuf,
    format: Format,
}

/// The format of a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Format {
    Json,
    /// A table; only a sweep has one.
    Csv,
    Svg,
    Png,
    Pdf,
    Html,
}

/// How a result is printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printing {
    /// The picture of an SVG or PNG; `None` is the dashboard.
    pub chart: Option<chart::Name>,
    /// The look of pictures.
    pub look: Look,
    /// The paper of a PDF.
    pub paper: Paper,
    /// The date as given by the user.
    pub date: Option<String>,
}

/// Why a file was not written. No partial file remains, and a file that was in its place is unchanged.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The name does not say which format to write.
    #[error("{}: cannot tell what to write from this name; use .json, .pdf, .html, .png or .svg, or .csv for a sweep", .0.display())]
    UnknownExtension(PathBuf),
    /// A picture, or a JSON document, holds one result.
    #[error("{}: holds one result, and these are {}; use .pdf or .html", .0.display(), .1)]
    Several(PathBuf, usize),
    /// Only a sweep is a table.
    #[error("{}: only a sweep is a table; use .json, .pdf, .html, .png or .svg", .0.display())]
    NoTable(PathBuf),
    /// The directory must exist already: a typing error should not create one.
    #[error("{}: there is no directory {}", .0.display(), .1.display())]
    NoDirectory(PathBuf, PathBuf),
    /// A directory cannot be replaced by a file.
    #[error("{}: is a directory", .0.display())]
    IsDirectory(PathBuf),
    /// Two sweeps that append to one file would both corrupt it.
    #[error("{}: another sweep is at work on it; wait for that, or write to another file", .0.display())]
    Busy(PathBuf),
    /// The result has nothing to draw, or the picture is too large.
    #[error("{}: {}", .0.display(), .1)]
    Picture(PathBuf, #[source] PictureError),
    /// The operating system refused: permissions, or a full disk.
    #[error("{}: {}", .0.display(), plain(.1))]
    Io(PathBuf, #[source] io::Error),
}

/// The system's message without the name of the temporary file, which the user does not know.
pub fn plain(error: &io::Error) -> String {
    let without_path = error.get_ref().and_then(std::error::Error::source);
    without_path.map_or_else(|| error.to_string(), ToString::to_string)
}

impl SinkError {
    /// Is the input at fault, rather than the file system?
    pub fn is_bad_input(&self) -> bool {
        match self {
            SinkError::UnknownExtension(_) | SinkError::NoTable(_) | SinkError::Several(..) | SinkError::Busy(_) => {
                true
            }
            SinkError::Picture(_, why) => !matches!(why, PictureError::Render(_)),
            _ => false,
        }
    }
}

impl Output {
    /// Checks the name and its directory, so that a mistake shows before the simulation rather than after it.
    pub fn parse(path: &Path) -> Result<Output, SinkError> {
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let format = match extension.as_str() {
            "json" => Format::Json,
            "csv" => Format::Csv,
            "svg" => Format::Svg,
            "png" => Format::Png,
            "pdf" => Format::Pdf,
            "html" | "htm" => Format::Html,
            _ => return Err(SinkError::UnknownExtension(path.into())),
        };
        check_place(path)?;
        can_write(path)?;
        Ok(Output {
            path: path.into(),
            format,
        })
    }

    /// Is it a table?
    pub fn is_table(&self) -> bool {
        self.format == Format::Csv
    }

    /// Is it a picture?
    pub fn is_picture(&self) -> bool {
        matches!(self.format, Format::Svg | Format::Png)
    }

    /// Whether some letters of these results become `?` in this file: .pdf and .png have only those of the bundled
    /// fonts.
    pub fn lacks_letters(&self, documents: &[Document]) -> bool {
        let is_drawn = matches!(self.format, Format::Pdf | Format::Png);
        let is_lacking = |d: &Document| serde_json::to_string(d).is_ok_and(|text| !text.chars().all(chart::has_glyph));
        is_drawn && documents.iter().any(is_lacking)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the findings: one result, or several combined where the format has pages.
    pub fn write(&self, documents: &[Document], printing: &Printing) -> Result<(), SinkError> {
        let failed = |e| SinkError::Picture(self.path.clone(), e);
        let (theme, date) = (printing.look.theme, printing.date.clone());
        let bytes = match (self.format, documents) {
            (Format::Pdf, all) => pdf::pdf(&Handout::of(all, date), printing.paper, theme).map_err(failed)?,
            (Format::Html, all) => html::html(&Handout::of(all, date), theme).map_err(failed)?.into_bytes(),
            (Format::Json, [one]) => return self.write_json(one),
            (Format::Svg, [one]) => picture(one, printing).map_err(failed)?.into_bytes(),
            (Format::Png, [one]) => {
                let svg = picture(one, printing).map_err(failed)?;
                chart::png(&svg, printing.look.pixel_ratio).map_err(failed)?
            }
            (Format::Csv, [one]) if !matches!(one.answer, Answer::Sweep(_)) => {
                return Err(SinkError::NoTable(self.path.clone()));
            }
            (Format::Csv, [one]) => sweep::csv(one).map_err(|e| SinkError::Io(self.path.clone(), e))?,
            (_, several) => return Err(SinkError::Several(self.path.clone(), several.len())),
        };
        self.put(&bytes)
    }

    /// Writes a document of any command as JSON.
    pub fn write_json(&self, document: &impl Serialize) -> Result<(), SinkError> {
        let mut bytes = Vec::new();
        json::write(document, &mut bytes).map_err(|e| SinkError::Io(self.path.clone(), e))?;
        self.put(&bytes)
    }

    fn put(&self, bytes: &[u8]) -> Result<(), SinkError> {
        let mut file = AtomicFile::at(&self.path)?;
        file.write_all(bytes).map_err(|e| SinkError::Io(self.path.clone(), e))?;
        file.commit()
    }
}

/// The picture that was asked for, or else the dashboard, which every result has.
fn picture(document: &Document, printing: &Printing) -> Result<String, PictureError> {
    let wanted = printing.chart.unwrap_or(chart::Name::Dashboard);
    chart::svg(document, wanted, &printing.look).map_err(|error| match error {
        PictureError::Nothing(word, why) => {
            let given = chart::Name::given_by(document);
            let words: Vec<&str> = given.iter().map(|name| name.word()).collect();
            PictureError::Nothing(word, format!("{why}; it gives {}", words.join(", ")))
        }
        other => other,
    })
}

/// A file that appears in its place only on [`AtomicFile::commit`]; if dropped, it leaves no trace.
pub struct AtomicFile {
    path: PathBuf,
    out: BufWriter<Destination>,
}

enum Destination {
    Beside(NamedTempFile),
    /// A pipe or a device, such as `/dev/stdout`, is written to directly: it must not be replaced.
    Direct(File),
}

impl AtomicFile {
    /// Opens a file next to `path`; if `path` is a link, next to its target.
    pub fn at(path: &Path) -> Result<AtomicFile, SinkError> {
        check_place(path)?;
        let failed = |e| SinkError::Io(path.into(), e);
        let place = path.canonicalize().unwrap_or_else(|_| path.into());
        let destination = if place.exists() && !place.is_file() {
            #[expect(clippy::disallowed_methods, reason = "this is the sink")]
            Destination::Direct(OpenOptions::new().write(true).open(&place).map_err(failed)?)
        } else {
            Destination::Beside(temporary_in(directory_of(&place)).map_err(failed)?)
        };
        Ok(AtomicFile {
            path: place,
            out: BufWriter::new(destination),
        })
    }

    /// Puts the file in its place, complete and on disk.
    pub fn commit(self) -> Result<(), SinkError> {
        let path = self.path;
        let failed = |e| SinkError::Io(path.clone(), e);
        match self.out.into_inner().map_err(|e| failed(e.into_error()))? {
            Destination::Direct(mut file) => file.flush().map_err(failed),
            Destination::Beside(file) => {
                // The new file keeps the permissions of the old one.
                if let Ok(before) = path.metadata() {
                    file.as_file().set_permissions(before.permissions()).map_err(failed)?;
                }
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map_err(|e| failed(e.error))?;
                // The rename itself is durable once its directory is synced. Not every file system can do that, and the
                // file is complete either way.
                let _ = File::open(directory_of(&path)).and_then(|d| d.sync_all());
                Ok(())
            }
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Destination::Beside(file) => file.write(bytes),
            Destination::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Destination::Beside(file) => file.flush(),
            Destination::Direct(file) => file.flush(),
        }
    }
}

/// An append-only log whose lines are on disk as soon as they are written; it records what a long job has finished.
///
/// A line that a crash cut short is dropped when the journal is opened again.
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens or creates a journal whose first line is `head`, and returns the lines after it. A journal with another
    /// head is left unchanged and gives `None`.
    pub fn open(path: &Path, head: &str) -> Result<Option<(Journal, Vec<String>)>, SinkError> {
        let failed = |e| SinkError::Io(path.into(), e);
        #[expect(clippy::disallowed_methods, reason = "this is the sink")]
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.map_err(failed)?;
        // Two writers would both corrupt it. Where files cannot be locked, nobody is kept out.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(SinkError::Busy(path.into()));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let mut journal = Journal {
            path: path.into(),
            file,
        };
        match text.lines().next() {
            None => journal.append(head)?,
            Some(first) if first == head => {}
            Some(_) => return Ok(None),
        }
        let lines = text.lines().skip(1).map(str::to_owned).collect();
        Ok(Some((journal, lines)))
    }

    /// Adds a line, which must hold no line break.
    pub fn append(&mut self, line: &str) -> Result<(), SinkError> {
        let failed = |e| SinkError::Io(self.path.clone(), e);
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(failed)?;
        self.file.sync_data().map_err(failed)
    }

    /// Removes the journal of a finished job.
    pub fn remove(self) -> Result<(), SinkError> {
        #[expect(clippy::disallowed_methods, reason = "this is the sink")]
        std::fs::remove_file(&self.path).map_err(|e| SinkError::Io(self.path.clone(), e))
    }
}

fn check_place(path: &Path) -> Result<(), SinkError> {
    let directory = directory_of(path);
    if path.is_dir() {
        return Err(SinkError::IsDirectory(path.into()));
    }
    if !directory.is_dir() {
        return Err(SinkError::NoDirectory(path.into(), directory.into()));
    }
    Ok(())
}

/// Permissions and read-only file systems show only in an attempt, which should come before hours of work.
fn can_write(path: &Path) -> Result<(), SinkError> {
    AtomicFile::at(path).map(drop)
}

fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn temporary_in(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fallover-");
    // Temporary files are private by default; a result gets the permissions of any other file the user makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_in(directory: &Path) -> usize {
        std::fs::read_dir(directory).expect("lists").count()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let path = directory.path().join("x.json");
        std::fs::write(&path, "old").expect("writes");

        let mut abandoned = AtomicFile::at(&path).expect("opens");
        abandoned.write_all(b"half").expect("writes");
        drop(abandoned);
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "old");
        assert_eq!(files_in(directory.path()), 1);

        let mut finished = AtomicFile::at(&path).expect("opens");
        finished.write_all(b"new").expect("writes");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "old");
        finished.commit().expect("commits");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "new");
        assert_eq!(files_in(directory.path()), 1);
    }

    #[test]
    fn mistakes_show_before_the_work_and_name_what_works() {
        let message = |path: &str| Output::parse(Path::new(path)).expect_err("is a mistake").to_string();
        assert_eq!(
            message("x.xls"),
            "x.xls: cannot tell what to write from this name; use .json, .pdf, .html, .png or .svg, or .csv for a sweep"
        );
        assert_eq!(
            message("x"),
            "x: cannot tell what to write from this name; use .json, .pdf, .html, .png or .svg, or .csv for a sweep"
        );
        assert_eq!(
            message("nowhere/x.json"),
            "nowhere/x.json: there is no directory nowhere"
        );
        assert!(Output::parse(Path::new("X.JSON")).is_ok());
        let refused = std::io::ErrorKind::PermissionDenied;
        let beside = tempfile::Builder::new().make_in("nowhere", |_| Err::<(), _>(refused.into()));
        let error = SinkError::Io("x.json".into(), beside.expect_err("is refused"));
        assert_eq!(error.to_string(), "x.json: permission denied");
    }

    #[test]
    fn a_journal_loses_only_the_line_in_hand() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let path = directory.path().join("x.csv.partial");
        let (mut journal, lines) = Journal::open(&path, "head").expect("opens").expect("is new");
        assert!(lines.is_empty());
        journal.append("one").expect("appends");
        journal.append("two").expect("appends");
        drop(journal);
        let text = std::fs::read_to_string(&path).expect("reads");
        std::fs::write(&path, format!("{text}thr")).expect("writes");
        let (mut journal, lines) = Journal::open(&path, "head").expect("opens").expect("is ours");
        assert_eq!(lines, ["one", "two"]);
        journal.append("three").expect("appends");
        // Two writers at once would corrupt it.
        assert!(matches!(Journal::open(&path, "head"), Err(SinkError::Busy(_))));
        drop(journal);
        assert!(Journal::open(&path, "another").expect("opens").is_none());
        let (journal, lines) = Journal::open(&path, "head").expect("opens").expect("is ours");
        assert_eq!(lines, ["one", "two", "three"]);
        journal.remove().expect("removes");
        assert_eq!(files_in(directory.path()), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let (target, link) = (directory.path().join("target.json"), directory.path().join("link.json"));
        std::fs::write(&target, "old").expect("writes");
        std::os::unix::fs::symlink(&target, &link).expect("links");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&target, private).expect("is ours");
        let mut file = AtomicFile::at(&link).expect("opens");
        file.write_all(b"new").expect("writes");
        file.commit().expect("commits");
        let mode = std::os::unix::fs::MetadataExt::mode(&target.metadata().expect("is there"));
        assert!(link.is_symlink() && mode & 0o777 == 0o600);
        assert_eq!(std::fs::read_to_string(&target).expect("reads"), "new");
    }
}
