//! The small values of a scenario: durations, rates, shares, and maps that keep their order.
//!
//! Each is checked while it is read, so that a problem points at the value itself.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::limits;
use crate::base::time::Span;
use crate::scenario::read::decode::share_of_percent;

/// A length of time.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub Span);

/// Times per second.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Rate(pub f64);

/// A share of a whole, from 0 to 1.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Ratio(pub f64);

/// A map that keeps the order in which it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

/// The default of a duration, in seconds.
pub fn seconds<const N: u64>() -> Duration {
    Duration(Span::from_millis(1000 * N))
}

/// The default of a whole number.
pub fn whole<const N: u32>() -> u32 {
    N
}

/// The default of a switch that is on.
pub fn on() -> bool {
    true
}

/// The default of a factor that changes nothing.
pub fn one() -> f64 {
    1.0
}

const UNITS: [(&str, f64); 10] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    // With the Greek letter instead of the sign.
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
    ("y", 31_536_000e9),
];

/// Units as written elsewhere, without the plural s, and their names here.
const UNITS_IN_WORDS: [(&str, &str); 14] = [
    ("nanosecond", "ns"),
    ("microsecond", "us"),
    ("usec", "us"),
    ("millisecond", "ms"),
    ("msec", "ms"),
    ("second", "s"),
    ("sec", "s"),
    ("minute", "m"),
    ("min", "m"),
    ("hour", "h"),
    ("hr", "h"),
    ("day", "d"),
    ("year", "y"),
    ("yr", "y"),
];

impl Duration {
    /// `"1.5s"` and the like.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let hint = "a duration is a number with a unit, such as \"250us\", \"10ms\", \"1.5s\", \"5m\", \"1h\", \"30d\" or \"1y\"";
        if text
            .strip_prefix('-')
            .is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        {
            return Err(format!("the duration {text:?} is negative"));
        }
        let Ok(number) = number.parse::<f64>() else {
            return Err(format!("{text:?} is no duration; {hint}"));
        };
        match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, size)) => Duration::checked(number * size, text),
            None if unit.is_empty() => Err(format!(
                "the duration {text:?} has no unit; write \"{text}s\" for seconds"
            )),
            None => match UNITS_IN_WORDS
                .iter()
                .find(|(word, _)| unit.to_lowercase().trim_end_matches('s') == *word)
            {
                Some((_, name)) => Err(format!(
                    "{text:?} has an unknown unit; write \"{}{name}\"",
                    typed(number)
                )),
                None => Err(format!("{text:?} has an unknown unit; {hint}")),
            },
        }
    }

    /// A number of seconds.
    pub fn from_seconds(seconds: f64) -> Result<Duration, String> {
        if seconds < 0.0 {
            return Err(format!("the duration {} is negative", typed(seconds)));
        }
        Duration::checked(seconds * 1e9, &typed(seconds))
    }

    fn checked(ns: f64, typed: &str) -> Result<Duration, String> {
        if ns.is_nan() {
            return Err(format!("{typed} is no number"));
        }
        if ns <= limits::DURATION.nanos() as f64 {
            Ok(Duration(Span::from_nanos(libm::round(ns) as u64)))
        } else {
            Err(format!(
                "the duration {typed} is above {}, which is the limit",
                limits::DURATION
            ))
        }
    }
}

/// A number as a person would type it, without hundreds of digits.
pub fn typed(number: f64) -> String {
    match number.abs() {
        n if n == 0.0 || (1e-6..1e15).contains(&n) => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// Ways to write "per second" elsewhere. The empty one: a bare number in quotes means the same.
const PER_SECOND: [&str; 9] = [
    "",
    "rps",
    "qps",
    "r/s",
    "req/s",
    "requests/s",
    "/second",
    "hz",
    "per second",
];

impl Rate {
    /// `"500/s"` and the like.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        if let (Ok(number), true) = (
            number.parse::<f64>(),
            PER_SECOND.contains(&unit.trim().to_lowercase().as_str()),
        ) {
            return Err(format!("{text:?} is no rate; write \"{}/s\"", typed(number)));
        }
        Rate::up_to(limits::RATE_PER_S, text)
    }

    fn up_to(limit: f64, text: &str) -> Result<Rate, String> {
        let hint = "a rate is a number with a unit, such as \"500/s\", \"30/min\" or \"100/h\"";
        let Some((number, unit)) = text.split_once('/') else {
            return Err(format!("{text:?} is no rate; {hint}"));
        };
        let seconds = match unit.trim() {
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(format!("{text:?} has an unknown unit; {hint}")),
        };
        match number.trim().parse::<f64>() {
            Ok(number) => Rate::checked(number / seconds, text, limit),
            Err(_) => Err(format!("{text:?} is no rate; {hint}")),
        }
    }

    fn checked(per_second: f64, typed: &str, limit: f64) -> Result<Rate, String> {
        if per_second < 0.0 {
            return Err(format!("the rate {typed} is negative"));
        }
        if per_second.is_nan() {
            return Err(format!("{typed} is no number"));
        }
        if per_second <= limit {
            Ok(Rate(per_second))
        } else {
            Err(format!(
                "the rate {typed} is above {limit} per second, which is the limit"
            ))
        }
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    /// The entry of this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Names and entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(n, t)| (n.as_str(), t))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(n, _)| n.as_str())
    }
}

/// A value with a short form: a DIST that is just a duration, a server that is just a name.
pub trait Short: Sized + Serialize {
    /// The long form.
    type Long: DeserializeOwned + JsonSchema;
    /// Its name in the schema.
    const NAME: &'static str;
    /// Its description for messages: "a name or an object".
    const EXPECTED: &'static str;
    /// Whether the long form is a list rather than an object.
    const LIST: bool = false;

    /// From the long form.
    fn long(long: Self::Long) -> Self;
    /// From a text.
    fn text(text: &str) -> Result<Self, String>;
    /// From a number.
    fn number(number: f64) -> Result<Self, String> {
        Err(format!("expected {}, found {number}", Self::EXPECTED))
    }
    /// The schema of the short form.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A value that may be typed in its short or its long form.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Brief<T>(pub T);

impl<'de, T: Short> Deserialize<'de> for Brief<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BriefVisitor(PhantomData)).map(Brief)
    }
}

struct BriefVisitor<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for BriefVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::text(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::number(number as f64).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::number(number as f64).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::number(number).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        if T::LIST {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        T::Long::deserialize(MapAccessDeserializer::new(map)).map(T::long)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        if !T::LIST {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        T::Long::deserialize(SeqAccessDeserializer::new(list)).map(T::long)
    }
}

impl<T: Short> JsonSchema for Brief<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (T::schema(generator), generator.subschema_for::<T::Long>());
        json_schema!({ "description": T::EXPECTED, "anyOf": [short, long] })
    }
}

/// A value that is either a text or a number: a duration, a rate or a share.
struct Plain<T> {
    expected: &'static str,
    text: fn(&str) -> Result<T, String>,
    number: fn(f64) -> Result<T, String>,
}

impl<T> Visitor<'_> for Plain<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number as f64).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        (self.number)(number as f64).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        (self.number)(number).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a duration such as \"10ms\"";
        deserializer.deserialize_any(Plain {
            expected,
            text: Duration::parse,
            number: Duration::from_seconds,
        })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = |n: f64| Rate::checked(n, &typed(n), limits::RATE_PER_S);
        deserializer.deserialize_any(Plain {
            expected: "a rate such as \"500/s\"",
            text: Rate::parse,
            number,
        })
    }
}

/// A rate in bytes; its limit is above that of requests.
struct Bytes(Rate);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = |n: f64| Rate::checked(n, &typed(n), limits::BYTES_PER_S).map(Bytes);
        deserializer.deserialize_any(Plain {
            expected: "bytes a second, such as 125000000",
            text: |text| Rate::up_to(limits::BYTES_PER_S, text).map(Bytes),
            number,
        })
    }
}

/// Reads a bandwidth.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
    Ok(Option::<Bytes>::deserialize(deserializer)?.map(|bytes| bytes.0))
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |text: &str| {
            let share = share_of_percent(text).filter(|n| (0.0..=1.0).contains(n));
            let hint = share.map_or(String::new(), |n| format!("; write {n}"));
            Err(format!("expected a share from 0 to 1, found {text:?}{hint}"))
        };
        let number = |n: f64| match n {
            0.0..=1.0 => Ok(Ratio(n)),
            _ if n > 1.0 && n <= 100.0 => Err(format!(
                "{n} is no share: it must lie between 0 and 1; for {n} % write {}",
                typed(libm::round(n * 1e9) / 1e11)
            )),
            _ => Err(format!("{n} is no share: it must lie between 0 and 1")),
        };
        deserializer.deserialize_any(Plain {
            expected: "a share from 0 to 1",
            text,
            number,
        })
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/s", self.0))
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Named(entries))
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: \"250us\", \"10ms\", \"1.5s\", \"5m\", \"1h\", \"30d\", \"1y\", or a number of seconds",
            "anyOf": [
                { "type": "string", "pattern": r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*(ns|us|µs|μs|ms|s|m|h|d|y)\s*$" },
                { "type": "number", "minimum": 0 }
            ]
        })
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A rate: \"500/s\", \"30/min\", \"100/h\", or a number per second",
            "anyOf": [
                { "type": "string", "pattern": r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*/\s*(s|sec|m|min|h|d)\s*$" },
                { "type": "number", "minimum": 0 }
            ]
        })
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A share of a whole", "type": "number", "minimum": 0, "maximum": 1 })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("NamedOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}
