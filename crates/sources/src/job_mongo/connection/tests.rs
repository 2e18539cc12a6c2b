use super::*;

fn faults(text: &str) -> Vec<String> {
    let checked = check_connection(&Secret::new(text));
    let list = checked.err().unwrap_or_default();
    list.list().iter().map(|fault| fault.message.clone()).collect()
}

#[test]
fn usual_connection_strings_are_accepted() {
    for text in [
        "mongodb://db.example",
        "mongodb://u:p%40ss@a.example:27017,b.example,[2001:db8::1]:5/records?replicaSet=rs0&authSource=admin&tls=true",
        "mongodb+srv://u:p@cluster0.abcde.mongodb.example/?retryWrites=true&w=majority&appName=Cluster0",
        "mongodb://db.example/?ssl=true&authMechanism=SCRAM-SHA-256&socketTimeoutMS=30000&readPreference=secondary",
        "mongodb://u:p@db.example/?authMechanism=PLAIN&tls=true",
        "mongodb://db.example/?directConnection=true&maxPoolSize=5",
    ] {
        // A mechanism needs a user, so that one case is malformed without being dangerous.
        let found = faults(text);
        let needs_user = text.contains("SCRAM") && !text.contains('@');
        assert_eq!(found.is_empty(), !needs_user, "{text}: {found:?}");
    }
}

#[test]
fn options_that_open_holes_are_refused_by_name() {
    for option in [
        "tlsInsecure=true",
        "tls=true&tlsAllowInvalidCertificates=true",
        "tlsAllowInvalidHostnames=true",
        "tls=true&tlsCAFile=/etc/passwd",
        "tls=true&tlsCertificateKeyFile=/etc/ssl/private/key.pem",
        "proxyHost=10.0.0.1",
        "PROXYHOST=10.0.0.1",
        "authMechanism=MONGODB-AWS",
        "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:azure",
        "authMechanism=GSSAPI",
        "authMechanism=MONGODB-X509",
        "authMechanism=MONGODB-CR",
        "authMechanismProperties=SERVICE_NAME:x",
        "loadBalanced=true",
        "compressors=zlib",
    ] {
        let found = faults(&format!("mongodb://u:p@db.example/?{option}"));
        assert!(!found.is_empty(), "{option}");
        assert!(found.iter().all(|message| message != MALFORMED), "{option}: {found:?}");
    }
}

#[test]
fn direct_connection_needs_one_host() {
    assert_eq!(faults("mongodb://a.example,b.example/?directConnection=true").len(), 1);
    assert_eq!(faults("mongodb+srv://a.example.org/?directConnection=true").len(), 1);
}

#[test]
fn plain_authentication_needs_tls() {
    assert_eq!(faults("mongodb://u:p@db.example/?authMechanism=PLAIN").len(), 1);
    assert!(faults("mongodb+srv://u:p@db.example/?authMechanism=PLAIN").is_empty());
}

#[test]
fn sockets_of_this_machine_are_refused() {
    for host in ["%2Ftmp%2Fmongodb-27017.sock", "a.example,%2Ftmp%2Fx.sock", "x.sock"] {
        assert!(!faults(&format!("mongodb://{host}/")).is_empty(), "{host}");
    }
    let many = vec!["a.example"; 51].join(",");
    assert_eq!(faults(&format!("mongodb://{many}/")).len(), 1);
}

#[test]
fn faults_of_a_connection_string_never_quote_it() {
    for text in [
        "mongodb://user:mark/er@db.example/",
        "mongodb://user:mark:er@db.example/",
        "mongodb://user:marker@db.example/?marker=marker",
        "mongodb://user:mark?er@db.example/",
        "marker",
        "mongodb://user:marker@/",
    ] {
        let found = faults(text).join(" ");
        assert!(
            !found.is_empty() && !found.contains("mark") && !found.contains("er@"),
            "{text}: {found}"
        );
    }
}
