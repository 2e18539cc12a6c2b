//! Operators, written as both servers know them.

use sqlparser::ast::{BinaryOperator, UnaryOperator};

use crate::job_sql::refusal::{Refusal, quoted};

/// Whether an operator takes a value out of a JSON column.
pub(super) fn is_arrow(operator: &BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::Arrow | BinaryOperator::LongArrow)
}

pub(super) fn binary_operator(operator: &BinaryOperator) -> Result<&'static str, Refusal> {
    Ok(match operator {
        BinaryOperator::Plus => " + ",
        BinaryOperator::Minus => " - ",
        BinaryOperator::Multiply => " * ",
        BinaryOperator::Divide => " / ",
        BinaryOperator::MyIntegerDivide => " DIV ",
        BinaryOperator::Modulo => " % ",
        BinaryOperator::Gt => " > ",
        BinaryOperator::Lt => " < ",
        BinaryOperator::GtEq => " >= ",
        BinaryOperator::LtEq => " <= ",
        BinaryOperator::Eq => " = ",
        BinaryOperator::NotEq => " <> ",
        BinaryOperator::Spaceship => " <=> ",
        BinaryOperator::And | BinaryOperator::PGOverlap => " AND ",
        BinaryOperator::Or => " OR ",
        BinaryOperator::Xor => " XOR ",
        BinaryOperator::BitwiseAnd => " & ",
        BinaryOperator::BitwiseOr => " | ",
        BinaryOperator::BitwiseXor => " ^ ",
        BinaryOperator::PGBitwiseShiftLeft => " << ",
        BinaryOperator::PGBitwiseShiftRight => " >> ",
        // Its meaning depends on the server's settings.
        BinaryOperator::StringConcat => return Err(Refusal::construct("||: write CONCAT(…) for texts and OR for conditions")),
        BinaryOperator::Assignment => return Err(Refusal::construct("assignments with :=")),
        other => return Err(Refusal::construct(&format!("the operator {}", quoted(&other.to_string())))),
    })
}

pub(super) fn unary_operator(operator: UnaryOperator) -> Result<&'static str, Refusal> {
    // The space keeps two signs from becoming the beginning of a comment.
    Ok(match operator {
        UnaryOperator::Plus => "+ ",
        UnaryOperator::Minus => "- ",
        UnaryOperator::Not => "NOT ",
        UnaryOperator::BangNot => "! ",
        UnaryOperator::BitwiseNot => "~ ",
        other => return Err(Refusal::construct(&format!("the operator {}", quoted(&other.to_string())))),
    })
}
