//! API keys and users.

use crate::stored::moment;
use ig_core::access::{Actor, KeyScope};
use ig_core::id::OrgId;
use ig_core::secret::Secret;
use ig_store::{KeyHash, NewApiKey};
use mongodb::bson::{Document, doc};

use crate::stored::Stored;

#[tokio::test]
async fn api_key_is_found_by_itself_and_stored_in_no_usable_form() {
    let stored = Stored::fresh().await;
    let key = "igk_0123456789abcdef0123456789abcdef";
    let new = NewApiKey {
        org_id: Some(OrgId(7)),
        name: "demo".to_owned(),
        scopes: vec![KeyScope::Read, KeyScope::Events],
        expires_at: Some(moment(60)),
        created_at: moment(0),
    };
    let keys = stored.store.api_keys();
    let created = keys.create(&KeyHash::of(key), new, &Actor::system("test")).await.unwrap();
    assert_eq!(keys.find(&KeyHash::of(key)).await.unwrap(), Some(created));
    assert_eq!(keys.find(&KeyHash::of("igk_another")).await.unwrap(), None);
    let raw = stored
        .database
        .open()
        .await
        .collection::<Document>("api_keys")
        .find_one(doc! {})
        .await
        .unwrap()
        .unwrap();
    assert!(!raw.to_string().contains(key));
}

#[tokio::test]
async fn first_administrator_is_created_only_once() {
    let stored = Stored::fresh().await;
    let (users, by) = (stored.store.users(), Actor::system("test"));
    let password = Secret::new("correct horse battery staple");
    let (one, other) = tokio::join!(
        users.make_first_admin("Ada@Example.org", &password, &by, moment(0)),
        users.make_first_admin(" ada@example.org ", &password, &by, moment(1)),
    );
    one.unwrap();
    other.unwrap();
    let raw = stored.database.open().await.collection::<Document>("users");
    assert_eq!(raw.count_documents(doc! {}).await.unwrap(), 1);
    let user = raw.find_one(doc! { "email": "ada@example.org" }).await.unwrap().unwrap();
    assert!(user.get_str("passwordHash").unwrap().starts_with("$argon2id$"));
    raw.delete_one(doc! { "email": "ada@example.org" }).await.unwrap();
    users
        .make_first_admin("ada@example.org", &password, &by, moment(2))
        .await
        .unwrap();
    assert_eq!(raw.count_documents(doc! {}).await.unwrap(), 0, "it was deleted by a person");
}
