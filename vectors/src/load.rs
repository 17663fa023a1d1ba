//! Reads vector files. Every error is one line that names the file, the vector, what was expected and what came.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::{Content, Fault, File, Kind, Means, Step, Vector, Verdict};

/// Why vectors cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The operating system refused.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// The system's words.
        why: String,
    },
    /// A file where a directory was expected, or the reverse.
    #[error("{path}: expected {expected}, got {got}")]
    WrongPath {
        /// What was to be read.
        path: String,
        /// `a directory of vector files` or `a file`.
        expected: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// Not JSON.
    #[error("{file}: expected JSON: {why}")]
    NotJson {
        /// The file.
        file: String,
        /// Line, column and reason.
        why: String,
    },
    /// A field of the file itself.
    #[error("{file}: {text}")]
    Head {
        /// The file.
        file: String,
        /// What was expected and what came.
        text: String,
    },
    /// A field of a vector.
    #[error("{file}: {vector}: {text}")]
    Vector {
        /// The file.
        file: String,
        /// The id, or `vectors[3]` where there is none.
        vector: String,
        /// What was expected and what came.
        text: String,
    },
}

/// Loads every `*.json` file of a directory, sorted by name, as one list of vectors.
///
/// # Errors
/// The first file that cannot be read or does not have the form of the schema.
pub fn load_dir(path: impl AsRef<Path>) -> Result<Vec<Vector>, LoadError> {
    Ok(load_files(path)?.into_iter().flat_map(|file| file.vectors).collect())
}

/// Loads every `*.json` file of a directory, sorted by name, with its definitions of flags and variants.
///
/// # Errors
/// As [`load_dir`].
pub fn load_files(path: impl AsRef<Path>) -> Result<Vec<File>, LoadError> {
    let dir = path.as_ref();
    let unreadable = |path: &Path, error: &std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        why: error.to_string(),
    };
    if dir.is_file() {
        let expected = "a directory of vector files";
        return Err(LoadError::WrongPath { path: dir.display().to_string(), expected, got: "a file" });
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let expected = "a directory with at least one *.json file";
        return Err(LoadError::WrongPath { path: dir.display().to_string(), expected, got: "none" });
    }
    paths.sort();
    let read = |path: &Path| {
        if path.is_dir() {
            return Err(LoadError::WrongPath {
                path: path.display().to_string(),
                expected: "a file",
                got: "a directory",
            });
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        parse(&name, &text)
    };
    paths.iter().map(|path| read(path)).collect()
}

/// Parses the text of one file; `name` stands in errors and in [`File::name`].
///
/// # Errors
/// The first field that does not have the form of the schema.
pub fn parse(name: &str, text: &str) -> Result<File, LoadError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| LoadError::NotJson { file: name.to_owned(), why: error.to_string() })?;
    let in_head = |text: String| LoadError::Head { file: name.to_owned(), text };
    let mut head = Fields::of(value).map_err(in_head)?;
    let file = File {
        name: name.to_owned(),
        schema: head.take("$schema").map_err(in_head)?,
        format: head.take("format").map_err(in_head)?,
        topic: head.take("topic").map_err(in_head)?,
        about: head.take("about").map_err(in_head)?,
        flags: head.take::<BTreeMap<_, _>>("flags").map_err(in_head)?,
        variants: head.take::<BTreeMap<_, _>>("variants").map_err(in_head)?,
        vectors: Vec::new(),
    };
    let values: Vec<Value> = head.take("vectors").map_err(in_head)?;
    head.finish().map_err(in_head)?;
    if file.format != 1 {
        return Err(in_head(format!("field `format`: expected 1, got {}", file.format)));
    }
    let vectors = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let id = value.get("id").and_then(Value::as_str).map_or_else(|| format!("vectors[{index}]"), str::to_owned);
            vector(name, value).map_err(|text| LoadError::Vector { file: name.to_owned(), vector: id, text })
        })
        .collect::<Result<_, _>>()?;
    Ok(File { vectors, ..file })
}

fn vector(file: &str, value: Value) -> Result<Vector, String> {
    let mut fields = Fields::of(value)?;
    let id = fields.take("id")?;
    let kind: Kind = fields.take("kind")?;
    let vector = Vector {
        id,
        file: file.to_owned(),
        kind,
        zmtp: fields.take("zmtp")?,
        mechanism: fields.take_if_there("mechanism")?,
        content: match kind {
            Kind::Session => Content::Steps(fields.take::<Vec<Step>>("steps")?),
            Kind::Greeting | Kind::Frame | Kind::Command | Kind::Metadata | Kind::Message => {
                Content::Bytes(fields.take("bytes")?)
            }
        },
        verdict: verdict(&mut fields, kind)?,
        requirements: fields.take("requirements")?,
        flags: fields.take("flags")?,
        comment: fields.take("comment")?,
    };
    fields.finish()?;
    Ok(vector)
}

fn verdict(fields: &mut Fields, kind: Kind) -> Result<Verdict, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Valid,
        Invalid,
        Variant,
    }
    Ok(match fields.take("verdict")? {
        Word::Valid => Verdict::Valid { means: means(fields.take("means")?, kind)? },
        Word::Invalid => {
            let fault: Fault = fields.take("fault")?;
            let offends = match kind {
                Kind::Session => Some(fields.take("offends")?),
                Kind::Greeting | Kind::Frame | Kind::Command | Kind::Metadata | Kind::Message => None,
            };
            Verdict::Invalid { fault, offends }
        }
        Word::Variant => {
            let variant = fields.take("variant")?;
            let meaning: Option<Value> = fields.take_if_there("means")?;
            Verdict::Variant { variant, means: meaning.map(|value| means(value, kind)).transpose()? }
        }
    })
}

fn means(value: Value, kind: Kind) -> Result<Means, String> {
    let read = match kind {
        Kind::Greeting => serde_json::from_value(value).map(Means::Greeting),
        Kind::Frame => serde_json::from_value(value).map(Means::Frame),
        Kind::Command => serde_json::from_value(value).map(Means::Command),
        Kind::Metadata => serde_json::from_value(value).map(Means::Metadata),
        Kind::Message => serde_json::from_value(value).map(Means::Message),
        Kind::Session => serde_json::from_value(value).map(Means::Session),
    };
    read.map_err(|error| format!("field `means` of a {kind}: {error}"))
}

/// The fields of an object, taken one by one, so that an error can name its field and leftovers are noticed.
struct Fields {
    left: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl Fields {
    fn of(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(left) => Ok(Self { left, asked: Vec::new() }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(format!("expected an object, got {}", shortened(&value)))
            }
        }
    }

    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, String> {
        self.take_if_there(name)?.ok_or_else(|| format!("field `{name}`: expected a value, got none"))
    }

    fn take_if_there<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>, String> {
        self.asked.push(name);
        let Some(value) = self.left.remove(name) else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|error| format!("field `{name}`: {error}"))
    }

    fn finish(self) -> Result<(), String> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown field `{name}`, expected one of {}", self.asked.join(", "))),
        }
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
}
