//! # Room card: wire/fix/dictionary/kind
//! In:    names of data types as dictionaries write them.
//! Out:   the type, and its name again.
//! Holds: every type of FIX 4.0 to 5.0 SP2; a type that is none of them is `Unknown`, which any value fits.
//! Costs: a scan of some forty names, when a dictionary is loaded.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// Data type of a field.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[repr(u8)]
        pub enum FieldKind {
            $($(#[$doc])* $kind,)*
            /// A type this engine does not know; its values are not looked at.
            #[default]
            Unknown,
        }

        impl FieldKind {
            /// Every type that has a name.
            pub const ALL: &[FieldKind] = &[$(FieldKind::$kind,)*];

            /// The name dictionaries use; empty for `Unknown`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(FieldKind::$kind => $name,)*
                    FieldKind::Unknown => "",
                }
            }
        }
    };
}

kinds! {
    /// Text.
    String = "STRING",
    /// One character.
    Char = "CHAR",
    /// A decimal, a price.
    Price = "PRICE",
    /// An integer.
    Int = "INT",
    /// A decimal, an amount of money.
    Amt = "AMT",
    /// A decimal, a quantity.
    Qty = "QTY",
    /// A currency, ISO 4217.
    Currency = "CURRENCY",
    /// Words divided by spaces (FIX 4.2 to 4.4).
    MultipleValueString = "MULTIPLEVALUESTRING",
    /// Words divided by spaces (FIX 5.0).
    MultipleStringValue = "MULTIPLESTRINGVALUE",
    /// Characters divided by spaces.
    MultipleCharValue = "MULTIPLECHARVALUE",
    /// A market, ISO 10383.
    Exchange = "EXCHANGE",
    /// `YYYYMMDD-HH:MM:SS` and a fraction.
    UtcTimestamp = "UTCTIMESTAMP",
    /// Y or N.
    Boolean = "BOOLEAN",
    /// A date at the market's place.
    LocalMktDate = "LOCALMKTDATE",
    /// A time of day at the market's place.
    LocalMktTime = "LOCALMKTTIME",
    /// Bytes, counted by a length field.
    Data = "DATA",
    /// A decimal.
    Float = "FLOAT",
    /// A decimal, a difference of prices.
    PriceOffset = "PRICEOFFSET",
    /// `YYYYMM`, a day or a week may follow.
    MonthYear = "MONTHYEAR",
    /// 1 to 31.
    DayOfMonth = "DAYOFMONTH",
    /// `YYYYMMDD` (FIX 4.2, 4.3).
    UtcDate = "UTCDATE",
    /// `YYYYMMDD` (from FIX 4.4).
    UtcDateOnly = "UTCDATEONLY",
    /// `HH:MM:SS` and a fraction.
    UtcTimeOnly = "UTCTIMEONLY",
    /// How many entries a repeating group has.
    NumInGroup = "NUMINGROUP",
    /// A decimal, a share of one.
    Percentage = "PERCENTAGE",
    /// A sequence number.
    SeqNum = "SEQNUM",
    /// How many bytes a data field has.
    Length = "LENGTH",
    /// A country, ISO 3166.
    Country = "COUNTRY",
    /// A time (FIX 4.0, 4.1): as `UtcTimestamp`.
    Time = "TIME",
    /// A date (FIX 4.0, 4.1).
    Date = "DATE",
    /// A time of day with its zone.
    TzTimeOnly = "TZTIMEONLY",
    /// A time with its zone.
    TzTimestamp = "TZTIMESTAMP",
    /// XML, counted by a length field.
    XmlData = "XMLDATA",
    /// A language, ISO 639-1.
    Language = "LANGUAGE",
    /// A tag number.
    TagNum = "TAGNUM",
    /// An identifier within the message.
    Xid = "XID",
    /// A reference to one.
    XidRef = "XIDREF",
}

/// What a value is to a program, whatever its data type is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FieldShape {
    /// Text; one character, a date, a time of day are text, too.
    Text,
    /// Words divided by spaces.
    Words,
    /// A whole number.
    Int,
    /// A decimal.
    Decimal,
    /// Y or N.
    Boolean,
    /// A moment, UTC.
    Time,
    /// Bytes.
    Bytes,
}

impl FieldKind {
    /// What its values are to a program.
    pub const fn shape(self) -> FieldShape {
        use FieldKind as K;
        match self {
            K::Price | K::Amt | K::Qty | K::Float | K::PriceOffset | K::Percentage => FieldShape::Decimal,
            K::Int | K::DayOfMonth | K::NumInGroup | K::SeqNum | K::Length | K::TagNum => FieldShape::Int,
            K::UtcTimestamp | K::Time => FieldShape::Time,
            K::Boolean => FieldShape::Boolean,
            K::Data | K::XmlData => FieldShape::Bytes,
            K::MultipleValueString | K::MultipleStringValue | K::MultipleCharValue => FieldShape::Words,
            _ => FieldShape::Text,
        }
    }

    /// The type of this name.
    pub fn of(name: &str) -> FieldKind {
        FieldKind::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or_default()
    }

    /// Do its values consist of several, divided by spaces?
    pub const fn is_multiple(self) -> bool {
        matches!(self, FieldKind::MultipleValueString | FieldKind::MultipleStringValue | FieldKind::MultipleCharValue)
    }
}
