//! Statements that must never reach a database.

use ig_core::job::VariableText;
use ig_sources::CheckedQuery;

use super::{check, scoped, shared, tables};

/// Statements that the guard refuses, whoever writes them.
const HOSTILE: &[&str] = &[
    // More than one statement, or another one than a query.
    "SELECT 1; DROP TABLE bills",
    "SELECT 1; SELECT * FROM secrets",
    "SELECT 1;;SELECT 2",
    "INSERT INTO bills VALUES (1)",
    "UPDATE bills SET amount = 0",
    "DELETE FROM bills",
    "REPLACE INTO bills VALUES (1)",
    "TRUNCATE bills",
    "CREATE TABLE x AS SELECT * FROM bills",
    "DROP TABLE bills",
    "WITH x AS (SELECT 1) DELETE FROM bills",
    "WITH x AS (SELECT 1) UPDATE bills SET amount = 0",
    "SHOW TABLES",
    "SHOW GRANTS",
    "SET sql_mode = ''",
    "SET STATEMENT max_statement_time = 0 FOR SELECT 1",
    "CALL wipe()",
    "DO SLEEP(5)",
    "HANDLER bills OPEN",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE bills",
    "EXPLAIN SELECT * FROM bills",
    "DESCRIBE bills",
    "ANALYZE FORMAT=JSON SELECT * FROM bills",
    "KILL 1",
    "PREPARE s FROM 'SELECT 1'",
    "EXECUTE s",
    "USE mysql",
    "LOCK TABLES bills READ",
    "GRANT ALL ON *.* TO x",
    "BEGIN",
    "TABLE bills",
    "TABLE secrets",
    "VALUES (1), (2)",
    "VALUES ROW(1, 2)",
    "SELECT * FROM (VALUES (1)) v",
    "SELECT * FROM (TABLE secrets) v",
    "SELECT 1 UNION TABLE secrets",
    "FROM bills SELECT id",
    "",
    ";",
    "/* nothing */",
    // Comments that a server executes or obeys.
    "SELECT 1 /*! + SLEEP(2) */",
    "SELECT 1 /*!50000 UNION SELECT secret FROM secrets */",
    "SELECT 1 /*M!100000 + SLEEP(2) */",
    "SELECT 1 /*m! FROM secrets */",
    "SELECT /*+ MAX_EXECUTION_TIME(0) */ id FROM bills",
    "SELECT 'a /*! b' , 1 */",
    "SELECT 1 -- '\n/*! UNION SELECT secret FROM secrets */ -- '",
    // Tables that are not allowed, wherever a table can stand.
    "SELECT * FROM secrets",
    "SELECT * FROM `secrets`",
    "SELECT * FROM Bills",
    "SELECT * FROM bills, secrets",
    "SELECT * FROM bills JOIN secrets ON 1 = 1",
    "SELECT * FROM bills NATURAL JOIN secrets",
    "SELECT * FROM bills LEFT JOIN secrets USING (id)",
    "SELECT * FROM (bills CROSS JOIN (countries, secrets))",
    "SELECT * FROM (SELECT * FROM secrets) s",
    "SELECT (SELECT secret FROM secrets LIMIT 1)",
    "SELECT CASE WHEN 1 THEN (SELECT secret FROM secrets LIMIT 1) END",
    "SELECT COALESCE((SELECT secret FROM secrets LIMIT 1), 1)",
    "SELECT COUNT(*) OVER (PARTITION BY (SELECT MAX(id) FROM secrets)) FROM bills",
    "SELECT * FROM bills WHERE id IN (SELECT id FROM secrets)",
    "SELECT * FROM bills WHERE EXISTS (SELECT 1 FROM secrets)",
    "SELECT * FROM bills WHERE id > ALL (SELECT id FROM secrets)",
    "SELECT * FROM bills WHERE (id, 1) = (SELECT id, 1 FROM secrets)",
    "SELECT kind FROM bills GROUP BY kind, (SELECT MAX(id) FROM secrets)",
    "SELECT kind FROM bills GROUP BY kind HAVING COUNT(*) > (SELECT MAX(id) FROM secrets)",
    "SELECT id FROM bills ORDER BY (SELECT MAX(id) FROM secrets)",
    "SELECT id FROM bills JOIN patients p ON p.id = (SELECT MAX(id) FROM secrets)",
    "SELECT id FROM bills LIMIT (SELECT MAX(id) FROM secrets)",
    "SELECT id FROM bills UNION SELECT id FROM secrets",
    "SELECT id FROM bills EXCEPT (SELECT id FROM secrets)",
    "(SELECT id FROM bills) UNION ALL (SELECT id FROM bills INTERSECT SELECT id FROM secrets)",
    "WITH x AS (SELECT * FROM secrets) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT id FROM secrets JOIN x ON n < 5) SELECT * FROM x",
    "SELECT * FROM bills b JOIN LATERAL (SELECT * FROM secrets s WHERE s.id = b.id) l ON TRUE",
    // Names of common table expressions, outside of their scope.
    "SELECT * FROM (WITH secrets AS (SELECT 1 AS id) SELECT * FROM secrets) z JOIN secrets s",
    "SELECT * FROM secrets s JOIN (WITH secrets AS (SELECT 1 AS id) SELECT * FROM secrets) z",
    "WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets",
    "WITH a AS (SELECT * FROM secrets), secrets AS (SELECT 1) SELECT * FROM a",
    "(WITH secrets AS (SELECT 1 AS id) SELECT * FROM secrets) UNION SELECT id FROM secrets",
    "SELECT (WITH secrets AS (SELECT 1 AS id) SELECT MAX(id) FROM secrets), id FROM secrets",
    "WITH secrets AS (SELECT 1) SELECT * FROM Secrets",
    "WITH secrets AS (SELECT 1 AS id) SELECT * FROM other.secrets",
    "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a",
    // Other schemas.
    "SELECT * FROM other.bills",
    "SELECT * FROM mysql.user",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.PROCESSLIST",
    "SELECT * FROM performance_schema.threads",
    "SELECT * FROM a.b.c",
    "SELECT 1 UNION SELECT authentication_string FROM `mysql`.`user`",
    // Functions that wait, lock, write, read files or reveal.
    "SELECT SLEEP(5)",
    "SELECT sLeEp (5)",
    "SELECT `SLEEP`(5)",
    "SELECT BENCHMARK(1000000000, MD5('a'))",
    "SELECT GET_LOCK('a', 5)",
    "SELECT RELEASE_ALL_LOCKS()",
    "SELECT LOAD_FILE('/etc/passwd')",
    "SELECT NEXTVAL(s)",
    "SELECT NEXT VALUE FOR s",
    "SELECT LAST_INSERT_ID(5)",
    "SELECT USER()",
    "SELECT CURRENT_USER()",
    "SELECT VERSION()",
    "SELECT DATABASE()",
    "SELECT CONNECTION_ID()",
    "SELECT ROW_COUNT()",
    "SELECT EXTRACTVALUE('<a/>', '/a')",
    "SELECT wipe()",
    "SELECT his.wipe()",
    "SELECT other.COUNT(1)",
    "SELECT id FROM bills WHERE id = IF(1, SLEEP(5), 1)",
    "SELECT id FROM bills ORDER BY SLEEP(1)",
    "SELECT SUM(SLEEP(1)) OVER () FROM bills",
    "SELECT id FROM bills GROUP BY id HAVING SLEEP(1)",
    "SELECT DEFAULT(id) FROM bills",
    "SELECT VALUES(id) FROM bills",
    "SELECT MASTER_POS_WAIT('a', 1)",
    "SELECT {fn NOW()}",
    "SELECT {d '2026-01-01'}",
    // Functions as tables.
    "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) j",
    "SELECT * FROM seq_1_to_10",
    "SELECT * FROM TABLE(f()) t",
    "SELECT * FROM UNNEST([1]) u",
    "SELECT * FROM bills(1)",
    // Writing, locking and variables.
    "SELECT * INTO OUTFILE '/tmp/x' FROM bills",
    "SELECT * FROM bills INTO OUTFILE '/tmp/x'",
    "SELECT * FROM bills INTO DUMPFILE '/tmp/x'",
    "SELECT id INTO @a FROM bills",
    "SELECT id FROM bills INTO @a",
    "SELECT * FROM bills FOR UPDATE",
    "SELECT * FROM bills FOR SHARE",
    "SELECT * FROM bills LOCK IN SHARE MODE",
    "SELECT * FROM (SELECT * FROM bills FOR UPDATE) b",
    "SELECT @a",
    "SELECT @@version",
    "SELECT @@global.datadir",
    "SELECT @a := id FROM bills",
    "SELECT id FROM bills PROCEDURE ANALYSE()",
    // Literals and names whose meaning depends on a server's settings.
    "SELECT _utf8mb4 'a'",
    "SELECT N'a'",
    "SELECT 'a' || 'b'",
    "SELECT ?",
    "SELECT :a",
    "SELECT * FROM \"secrets\"",
    "SELECT * FROM 'bills'",
    "SELECT 1 AS `a``, secret FROM secrets -- `",
    "SELECT `a\\` FROM bills",
    "SELECT 'unterminated",
    "SELECT \"a\\\" FROM secrets",
    "SELECT ig_scope.id FROM bills",
    "SELECT * FROM countries AS IG_scope",
    "SELECT BINARY 'a' = 'A'",
    // Parts of tables, hints, and clauses of other databases.
    "SELECT * FROM bills PARTITION (p0)",
    "SELECT * FROM bills FOR SYSTEM_TIME ALL",
    "SELECT * FROM bills FULL JOIN patients ON 1 = 1",
    "SELECT * FROM bills TABLESAMPLE BERNOULLI (1)",
    "SELECT TOP 5 * FROM bills",
    "SELECT * EXCEPT (id) FROM bills",
    "SELECT * FROM bills QUALIFY 1 = 1",
    "SELECT * FROM bills FETCH FIRST 1 ROW ONLY",
    "SELECT * FROM bills LIMIT -1",
    "SELECT * FROM bills LIMIT 1e3",
    "SELECT * FROM bills LIMIT ALL BY id",
    "SELECT * FROM bills WHERE id IN ()",
    "SELECT * FROM (SELECT id FROM bills)",
    "SELECT CAST(id AS BINARY) FROM bills",
    "SELECT MATCH (kind) AGAINST ('a') FROM bills",
    // Variables where no value stands.
    "SELECT * FROM {{env.TABLE}}",
    "SELECT * FROM `{{env.TABLE}}`",
    "SELECT {{env.F}}(1)",
    "SELECT b.{{env.COLUMN}} FROM bills b",
    "SELECT `{{env.COLUMN}}` FROM bills",
    "SELECT id AS {{env.ALIAS}} FROM bills",
    "SELECT id {{env.ALIAS}} FROM bills",
    "SELECT id FROM bills ORDER BY {{env.COLUMN}}",
    "SELECT id FROM bills GROUP BY {{env.COLUMN}}",
    "SELECT id FROM bills LIMIT {{env.LIMIT}}",
    "SELECT id{{env.X}} FROM bills",
    "SELECT 1{{env.X}} FROM bills",
    "SELECT {{env.X}}{{env.Y}} FROM bills",
    "SELECT id FROM bills -- {{env.X}}",
    "SELECT id FROM bills /* {{env.X}} */",
    "SELECT id FROM bills # {{env.X}}",
    "SELECT X'{{env.X}}'",
    "SELECT 0x{{env.X}}",
    "SELECT @{{env.X}}",
    "SELECT DATE '{{date.today()}}'",
    "SELECT GROUP_CONCAT(id SEPARATOR '{{env.X}}') FROM bills",
    "SELECT id FROM bills WHERE kind LIKE 'a' ESCAPE '{{env.X}}'",
    "SELECT TIMESTAMPDIFF({{env.UNIT}}, NOW(), NOW())",
    "SELECT NOW() + INTERVAL 1 {{env.UNIT}}",
    "SELECT CAST(1 AS {{env.TYPE}})",
    "SELECT id FROM bills WHERE {{env.A}} {{env.B}} 1",
    "SELECT '\u{e000}0\u{e001}'",
];

#[test]
fn sql_guard_refuses_every_hostile_statement_with_a_reason() {
    assert!(HOSTILE.len() >= 60);
    for sql in HOSTILE {
        let faults = match sql.parse::<VariableText>() {
            Ok(query) => CheckedQuery::parse(&query, &tables(), Some("his")).map(|checked| format!("{checked:?}")),
            Err(faults) => Err(faults),
        };
        let faults = faults.expect_err(sql);
        let [fault] = faults.list() else {
            panic!("{sql}: {faults}");
        };
        assert_eq!(fault.pointer, "/query", "{sql}");
        let is_safe_to_show = !fault.message.contains(['\u{e000}', '\u{e001}']) && fault.message.chars().count() < 1_000;
        assert!(is_safe_to_show, "{sql}: {fault:?}");
    }
}

#[test]
fn sql_guard_names_what_it_refuses_and_the_way_to_write_it() {
    for (sql, expected) in [
        (
            "SELECT * FROM secrets",
            "`secrets`: the connection allows bills, patients, wards, countries",
        ),
        ("SELECT SLEEP(1)", "must not call SLEEP"),
        ("SELECT 'a' || 'b'", "CONCAT"),
        ("SELECT id FROM bills -- {{date.today()}}", "variable in a comment"),
        ("SELECT DATE '{{date.today()}}'", "CAST('…' AS DATE)"),
        ("SELECT id FROM bills LIMIT {{env.N}}", "whole numbers in LIMIT"),
        ("SELECT @a", "variables of the server"),
    ] {
        let message = check(sql, "his").unwrap_err().to_string();
        assert!(message.contains(expected), "{sql}: {message}");
    }
}

#[test]
fn sql_guard_refuses_a_table_that_is_listed_with_two_scopes() {
    let query: VariableText = "SELECT * FROM bills".parse().unwrap();
    let contradictory = [scoped("bills", "entity_rid"), shared("his.bills")];
    assert!(CheckedQuery::parse(&query, &contradictory, Some("his")).is_err());
    let equal = [scoped("bills", "entity_rid"), scoped("his.bills", "entity_rid")];
    assert!(CheckedQuery::parse(&query, &equal, Some("his")).is_ok());
}

#[test]
fn sql_guard_takes_schemas_as_the_connection_lists_them() {
    let tables = [scoped("bills", "rid"), shared("lab.codes")];
    let check = |sql: &str, schema| CheckedQuery::parse(&sql.parse().unwrap(), &tables, schema);
    for sql in [
        "SELECT * FROM his.bills",
        "SELECT bills.id FROM bills",
        "SELECT his.bills.id FROM his.bills, lab.codes",
    ] {
        assert!(check(sql, Some("his")).is_ok(), "{sql}");
    }
    assert!(check("SELECT * FROM codes", Some("his")).is_err());
    assert!(check("SELECT * FROM codes", Some("lab")).is_ok());
    assert!(check("SELECT * FROM bills", None).is_ok());
    assert!(check("SELECT * FROM his.bills", None).is_err());
}
