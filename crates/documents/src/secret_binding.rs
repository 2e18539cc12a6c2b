//! Binds stored secrets to the hosts that they are sent to: changing the host requires giving the secret again.
//!
//! A caller that may change a document sees only masks of its secrets. If a mask kept its secret while the address changed, the caller
//! could redirect the secret to a host of its own.

use ig_core::fault::Faults;
use ig_core::integration::TargetUrl;
use ig_core::mask;
use ig_core::secret::MASK;
use serde_json::Value;

/// Addresses in a document and the secrets that are sent to them.
#[derive(Debug)]
pub struct SecretBinding {
    /// The paths of the addresses.
    pub addresses: &'static [FieldPaths],
    /// The paths of the secrets.
    pub secrets: &'static [FieldPaths],
}

/// Paths to fields of a document.
#[derive(Debug, Clone, Copy)]
pub enum FieldPaths {
    /// One field, by its JSON pointer.
    One(&'static str),
    /// All values of the object at this pointer.
    Each(&'static str),
    /// The masked values of the headers at this pointer.
    Headers(&'static str),
    /// One field of each item of a list.
    InList(&'static str, &'static str),
}

/// The secrets that accompany every request to a target.
pub(crate) const SENT_SECRETS: &[FieldPaths] = &[
    FieldPaths::One("/outgoingAuthConfig/apiKey"),
    FieldPaths::One("/outgoingAuthConfig/token"),
    FieldPaths::One("/outgoingAuthConfig/password"),
    FieldPaths::One("/outgoingAuthConfig/clientSecret"),
    FieldPaths::Each("/outgoingAuthConfig/headers"),
    FieldPaths::Headers("/customHeaders"),
];

/// The secrets of a token request.
pub(crate) const TOKEN_BINDING: SecretBinding = SecretBinding {
    addresses: &[FieldPaths::One("/outgoingAuthConfig/tokenUrl")],
    secrets: &[FieldPaths::One("/outgoingAuthConfig/clientSecret")],
};

/// A withheld secret and the changed address that caused it.
#[derive(Debug, PartialEq, Eq)]
pub struct Withheld {
    secret: String,
    address: String,
}

/// Masks the stored secrets that `asked` would send to a different host than before.
pub fn withhold(bonds: &[SecretBinding], stored: &mut Value, asked: &Value) -> Vec<Withheld> {
    let mut withheld = Vec::new();
    for bond in bonds {
        let known: Vec<_> = bond.addresses_of(stored).map(|(_, origin)| origin).collect();
        let Some((address, _)) = bond.addresses_of(asked).find(|(_, origin)| !known.contains(origin)) else {
            continue;
        };
        let secrets: Vec<_> = bond.secrets.iter().flat_map(|places| places.texts(stored)).collect();
        for (secret, _) in secrets {
            if let Some(kept) = stored.pointer_mut(&secret) {
                *kept = MASK.into();
                let address = address.clone();
                withheld.push(Withheld { secret, address });
            }
        }
    }
    withheld
}

/// Refuses a document that still carries the mask of a withheld secret.
pub fn require_reentry(withheld: &[Withheld], document: &Value) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for Withheld { secret, address } in withheld {
        if document.pointer(secret).and_then(Value::as_str) == Some(MASK) {
            let message = format!("must be given again: {address} names another host, to which the stored one is not sent");
            faults.add(secret.clone(), message);
        }
    }
    faults.into_result(())
}

impl SecretBinding {
    fn addresses_of<'a>(&'a self, document: &'a Value) -> impl Iterator<Item = (String, Origin)> + 'a {
        let texts = self.addresses.iter().flat_map(move |places| places.texts(document));
        texts.map(|(place, text)| (place, Origin::of(&text)))
    }
}

impl FieldPaths {
    /// The text values at these paths, each with its pointer.
    fn texts(self, document: &Value) -> Vec<(String, String)> {
        let below = |pointer: &str| {
            let fields = document.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
            let texts = fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            texts.collect::<Vec<_>>()
        };
        let named = |pointer: &str, name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        match self {
            Self::One(pointer) => {
                let text = document.pointer(pointer).and_then(Value::as_str);
                text.map(|text| (pointer.to_owned(), text.to_owned())).into_iter().collect()
            }
            Self::Each(pointer) => {
                let all = below(pointer).into_iter();
                all.map(|(name, text)| (named(pointer, &name), text)).collect()
            }
            Self::Headers(pointer) => {
                let hidden = below(pointer).into_iter().filter(|(name, text)| mask::must_mask(name, text));
                hidden.map(|(name, text)| (named(pointer, &name), text)).collect()
            }
            Self::InList(pointer, field) => {
                let items = document.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
                let numbered = items.enumerate();
                let texts = numbered.filter_map(|(at, item)| {
                    let text = item.get(field)?.as_str()?;
                    Some((format!("{pointer}/{at}/{field}"), text.to_owned()))
                });
                texts.collect()
            }
        }
    }
}

/// The origin of an address; a text that is no URL is compared as a whole.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Known { is_https: bool, host: String, port: u16 },
    Text(String),
}

impl Origin {
    fn of(text: &str) -> Self {
        text.parse().map_or_else(
            |_| Self::Text(text.to_owned()),
            |url: TargetUrl| Self::Known {
                is_https: url.is_https(),
                host: url.host().to_ascii_lowercase(),
                port: url.port(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET_BINDINGS: &[SecretBinding] = &[
        SecretBinding {
            addresses: &[FieldPaths::One("/url"), FieldPaths::InList("/actions", "url")],
            secrets: &[FieldPaths::One("/auth/token"), FieldPaths::Headers("/headers")],
        },
        SecretBinding {
            addresses: &[FieldPaths::One("/auth/tokenUrl")],
            secrets: &[FieldPaths::One("/auth/secret")],
        },
    ];

    fn held(asked: &Value) -> Vec<String> {
        let mut stored = json!({
            "url": "https://a.example/x", "actions": [{"url": "https://b.example/"}],
            "auth": {"token": "t", "secret": "s", "tokenUrl": "https://t.example/"},
            "headers": {"X-Api-Key": "k", "X-Plain": "p"},
        });
        let held = withhold(SECRET_BINDINGS, &mut stored, asked);
        assert!(held.iter().all(|held| stored.pointer(&held.secret) == Some(&json!(MASK))));
        held.into_iter().map(|held| held.secret).collect()
    }

    #[test]
    fn secrets_are_withheld_from_a_new_host() {
        for url in ["https://A.example:443/y?z", "https://b.example/"] {
            assert!(held(&json!({"url": url})).is_empty(), "{url}");
        }
        for asked in [
            json!({"url": "https://c.example/x"}),
            json!({"url": "http://a.example/x"}),
            json!({"url": "https://a.example:444/x"}),
            json!({"actions": [{}, {"url": "https://c.example/"}]}),
        ] {
            assert_eq!(held(&asked), ["/auth/token", "/headers/X-Api-Key"], "{asked}");
        }
        assert_eq!(held(&json!({"auth": {"tokenUrl": "https://a.example/"}})), ["/auth/secret"]);
    }
}
