//! EXPLAIN: a plan as PostgreSQL would print it.

use std::collections::HashMap;

use crate::sql::exec::Execution;
use crate::sql::exec::bounds::{Bounds, Term};
use crate::sql::exec::eval::{Expr, ExprKind};
use crate::sql::exec::reader::IndexReader;
use crate::sql::exec::state::Measured;
use crate::sql::plan::expression_text::expression;
use crate::sql::plan::physical::*;
use crate::sql::relation::{JoinKind, Produced, SetKind};
use crate::sql::scalar::{ColumnRef, WindowTarget};

/// The lines of EXPLAIN.
pub fn explain(plan: &PhysicalPlan) -> Vec<String> {
    print(plan, &[])
}

/// The lines of EXPLAIN ANALYZE, after the plan has run.
pub fn explain_measured(execution: &Execution) -> Vec<String> {
    print(execution.plan(), execution.measurements())
}

fn print(plan: &PhysicalPlan, measured: &[Measured]) -> Vec<String> {
    let mut printer = Printer { names: HashMap::new(), measured, lines: Vec::new() };
    printer.learn(&plan.root);
    printer.node(&plan.root, 0, "");
    printer.lines
}

struct Printer<'m> {
    names: HashMap<ColumnRef, String>,
    measured: &'m [Measured],
    lines: Vec<String>,
}

/// The inputs of a node, in the order in which they are printed.
fn inputs(node: &Node) -> Vec<&Node> {
    match &node.op {
        Op::Values(_) | Op::Feed | Op::TableScan(_) | Op::VirtualScan(_) | Op::FunctionScan(_) => {
            vec![]
        }
        Op::CteScan(_) => vec![],
        Op::Filter(s) => vec![&s.input],
        Op::Project(s) => vec![&s.input],
        Op::HashJoin(s) => vec![&s.left, &s.right],
        Op::IndexJoin(s) => vec![&s.outer],
        Op::NestedLoop(s) => vec![&s.left, &s.right],
        Op::Aggregate(s) => vec![&s.input],
        Op::Window(s) => vec![&s.input],
        Op::Sort(s) => vec![&s.input],
        Op::Limit(s) => vec![&s.input],
        Op::Distinct(s) => vec![&s.input],
        Op::SetOperation(s) => vec![&s.left, &s.right],
        Op::With(s) => vec![&s.definition, &s.body],
        Op::Recursive(s) => vec![&s.base, &s.step],
        Op::Lock(s) => vec![&s.input],
        Op::Insert(s) => vec![&s.source],
        Op::Update(s) => vec![&s.source],
        Op::Delete(s) => vec![&s.source],
    }
}

fn join_word(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "",
        JoinKind::Left => " Left",
        JoinKind::Right => " Right",
        JoinKind::Full => " Full",
        JoinKind::Semi => " Semi",
        JoinKind::Anti => " Anti",
    }
}

fn on_table(reader: &IndexReader, alias: &str) -> String {
    if alias.is_empty() || alias == reader.table.name {
        reader.table.name.clone()
    } else {
        format!("{} {alias}", reader.table.name)
    }
}

impl Printer<'_> {
    /// Gives names to the columns that nodes bring into being.
    fn learn(&mut self, node: &Node) {
        for input in inputs(node) {
            self.learn(input);
        }
        match &node.op {
            Op::TableScan(s) => self.table_columns(&s.reader, s.keep.as_deref(), &node.columns),
            Op::IndexJoin(s) => {
                let outer = s.outer.columns.len();
                for (at, produced) in s.output.iter().zip(&node.columns) {
                    if let Some(column) = at.checked_sub(outer).and_then(|i| s.reader.wanted.get(i))
                        && let Some(column) = s.reader.table.columns.get(*column)
                    {
                        self.names.insert(produced.column, column.name.clone());
                    }
                }
            }
            Op::Project(s) => {
                let names = self.names_of(&s.input.columns);
                for (expr, produced) in s.exprs.iter().zip(&node.columns) {
                    let text = expression(expr, &names);
                    self.names.entry(produced.column).or_insert(text);
                }
            }
            Op::Aggregate(s) => {
                let names = self.names_of(&s.input.columns);
                let skip = s.groups.len() + usize::from(s.set_number);
                for (call, produced) in s.aggregates.iter().zip(node.columns.iter().skip(skip)) {
                    let args: Vec<String> =
                        call.args.iter().map(|a| expression(a, &names)).collect();
                    let args = if args.is_empty() { "*".into() } else { args.join(", ") };
                    let distinct = if call.distinct { "DISTINCT " } else { "" };
                    let text = format!("{}({distinct}{args})", call.function.name);
                    self.names.insert(produced.column, text);
                }
            }
            Op::Window(s) => {
                let skip = s.input.columns.len();
                for (call, produced) in s.calls.iter().zip(node.columns.iter().skip(skip)) {
                    let name = match &call.target {
                        WindowTarget::Window(f) => f.name,
                        WindowTarget::Aggregate(f) => f.name,
                    };
                    self.names.insert(produced.column, format!("{name}() OVER (?)"));
                }
            }
            _ => {}
        }
    }

    fn table_columns(
        &mut self,
        reader: &IndexReader,
        keep: Option<&[usize]>,
        produced: &[Produced],
    ) {
        for (i, p) in produced.iter().enumerate() {
            let at = keep.map_or(Some(i), |keep| keep.get(i).copied());
            if let Some(column) =
                at.and_then(|at| reader.wanted.get(at)).and_then(|at| reader.table.columns.get(*at))
            {
                self.names.insert(p.column, column.name.clone());
            }
        }
    }

    fn names_of(&self, columns: &[Produced]) -> Vec<String> {
        columns
            .iter()
            .map(|p| {
                self.names
                    .get(&p.column)
                    .cloned()
                    .unwrap_or_else(|| format!("column{}", p.column.0))
            })
            .collect()
    }

    fn line(&mut self, depth: usize, text: &str) {
        // PostgreSQL's indentation: properties stand under their node's name.
        let indent = if depth == 0 { 2 } else { depth * 6 + 2 };
        self.lines.push(format!("{}{text}", " ".repeat(indent)));
    }

    fn condition(&mut self, depth: usize, label: &str, expr: &Expr, names: &[String]) {
        let text = expression(expr, names);
        self.line(depth, &format!("{label}: {text}"));
    }

    fn node(&mut self, node: &Node, depth: usize, label: &str) {
        // Columns that merely pass are no work worth a line.
        if let Op::Project(s) = &node.op
            && self.measured.is_empty()
        {
            return self.node(&s.input, depth, label);
        }
        let mut head = self.head(node);
        head += &format!("  (cost={:.2} rows={:.0})", node.cost, node.rows.max(0.0));
        if let Some(m) = self.measured.get(node.id) {
            if m.loops == 0 && m.rows == 0 {
                head += " (never executed)";
            } else {
                head += &format!(
                    " (actual time={:.3} rows={} loops={})",
                    m.time.as_secs_f64() * 1000.0,
                    m.rows,
                    m.loops.max(1)
                );
            }
        }
        let (indent, arrow) = if depth == 0 { (0, "") } else { (depth * 6 - 4, "->  ") };
        self.lines.push(format!("{}{arrow}{label}{head}", " ".repeat(indent)));
        self.details(node, depth);
        if let Op::With(s) = &node.op {
            self.line(depth, &format!("CTE {}", s.slot));
            self.node(&s.definition, depth + 1, "");
            return self.node(&s.body, depth + 1, "");
        }
        for input in inputs(node) {
            self.node(input, depth + 1, "");
        }
    }

    fn head(&self, node: &Node) -> String {
        match &node.op {
            Op::TableScan(s) => {
                let table = on_table(&s.reader, &s.alias);
                let back = if s.reverse { " Backward" } else { "" };
                let index = &s.reader.index.name;
                if s.bounds.is_everything() && s.reader.is_primary() && !s.reverse {
                    format!("Seq Scan on {table}")
                } else if s.reader.is_covering() && !s.reader.is_primary() {
                    format!("Index Only Scan{back} using {index} on {table}")
                } else {
                    format!("Index Scan{back} using {index} on {table}")
                }
            }
            Op::Values(s) if s.types.is_empty() && s.rows.len() == 1 => "Result".into(),
            Op::Values(_) => "Values Scan".into(),
            Op::VirtualScan(s) => format!("Virtual Scan on {}", s.table.name),
            Op::FunctionScan(s) => format!("Function Scan on {}", s.function.name),
            Op::Filter(_) => "Filter".into(),
            Op::Project(_) => "Project".into(),
            Op::HashJoin(s) => format!("Hash{} Join", join_word(s.kind)),
            Op::NestedLoop(s) => format!("Nested Loop{}", join_word_after(s.kind)),
            Op::IndexJoin(s) => format!(
                "Nested Loop{} using {} on {}",
                join_word_after(s.kind),
                s.reader.index.name,
                on_table(&s.reader, &s.alias)
            ),
            Op::Aggregate(s) if s.groups.is_empty() => "Aggregate".into(),
            Op::Aggregate(s) if s.sets.len() > 1 => "MixedAggregate".into(),
            Op::Aggregate(_) => "HashAggregate".into(),
            Op::Distinct(s) if s.on.is_none() => "HashAggregate".into(),
            Op::SetOperation(s) => match (s.kind, s.all) {
                (SetKind::Union, true) => "Append".into(),
                (SetKind::Union, false) => "HashSetOp Union".into(),
                (SetKind::Intersect, all) => {
                    format!("HashSetOp Intersect{}", if all { " All" } else { "" })
                }
                (SetKind::Except, all) => {
                    format!("HashSetOp Except{}", if all { " All" } else { "" })
                }
            },
            Op::CteScan(s) if s.definition.is_none() => format!("WorkTable Scan on {}", s.slot),
            Op::CteScan(s) => format!("CTE Scan on {}", s.slot),
            Op::Insert(s) => format!("Insert on {}", written(&s.writers, s.table)),
            Op::Update(s) => format!("Update on {}", written(&s.writers, s.table)),
            Op::Delete(s) => format!("Delete on {}", written(&s.writers, s.table)),
            other => other.name().into(),
        }
    }

    fn bounds(&mut self, depth: usize, reader: &IndexReader, bounds: &Bounds, names: &[String]) {
        if bounds.is_everything() {
            return;
        }
        let columns: Vec<String> = reader
            .index
            .columns
            .iter()
            .map(|c| reader.table.column(c.column).map_or(String::new(), |c| c.name.clone()))
            .collect();
        let mut parts = Vec::new();
        for (term, column) in bounds.terms.iter().zip(&columns) {
            parts.push(match term {
                Term::Equal(e) => format!("({column} = {})", expression(e, names)),
                Term::Null => format!("({column} IS NULL)"),
                Term::In(list) => {
                    let items: Vec<String> = list.iter().map(|e| expression(e, names)).collect();
                    format!("({column} = ANY ({}))", items.join(", "))
                }
                Term::InArray(e) => format!("({column} = ANY ({}))", expression(e, names)),
            });
        }
        if let Some(column) = columns.get(bounds.terms.len()) {
            if let Some(l) = &bounds.lower {
                let op = if l.inclusive { ">=" } else { ">" };
                parts.push(format!("({column} {op} {})", expression(&l.value, names)));
            }
            if let Some(u) = &bounds.upper {
                let op = if u.inclusive { "<=" } else { "<" };
                parts.push(format!("({column} {op} {})", expression(&u.value, names)));
            }
        }
        let text = match &parts[..] {
            [one] => one.clone(),
            _ => format!("({})", parts.join(" AND ")),
        };
        self.line(depth, &format!("Index Cond: {text}"));
    }

    fn details(&mut self, node: &Node, depth: usize) {
        match &node.op {
            Op::TableScan(s) => {
                self.bounds(depth, &s.reader, &s.bounds, &[]);
                if let Some(filter) = &s.filter {
                    let names = reader_names(&s.reader);
                    self.condition(depth, "Filter", filter, &names);
                }
            }
            Op::IndexJoin(s) => {
                let outer = self.names_of(&s.outer.columns);
                self.bounds(depth, &s.reader, &s.bounds, &outer);
                let inner = reader_names(&s.reader);
                if let Some(filter) = &s.filter {
                    self.condition(depth, "Filter", filter, &inner);
                }
                let mut both = outer;
                both.extend(inner);
                self.residual(depth, "Join Filter", s.residual.as_ref(), &both);
            }
            Op::Filter(s) => {
                let names = self.names_of(&s.input.columns);
                self.condition(depth, "Filter", &s.predicate, &names);
            }
            Op::HashJoin(s) => {
                let (l, r) = (self.names_of(&s.left.columns), self.names_of(&s.right.columns));
                let parts: Vec<String> = s
                    .left_keys
                    .iter()
                    .zip(&s.right_keys)
                    .map(|(a, b)| format!("({} = {})", expression(a, &l), expression(b, &r)))
                    .collect();
                let text = match &parts[..] {
                    [one] => one.clone(),
                    _ => format!("({})", parts.join(" AND ")),
                };
                self.line(depth, &format!("Hash Cond: {text}"));
                let both: Vec<String> = l.into_iter().chain(r).collect();
                self.residual(depth, "Join Filter", s.residual.as_ref(), &both);
            }
            Op::NestedLoop(s) => {
                let mut both = self.names_of(&s.left.columns);
                both.extend(self.names_of(&s.right.columns));
                self.residual(depth, "Join Filter", s.on.as_ref(), &both);
            }
            Op::Aggregate(s) if !s.groups.is_empty() => {
                let names = self.names_of(&s.input.columns);
                let keys: Vec<String> =
                    s.groups.iter().filter_map(|g| names.get(*g)).cloned().collect();
                self.line(depth, &format!("Group Key: {}", keys.join(", ")));
            }
            Op::Sort(s) => {
                let names = self.names_of(&s.input.columns);
                let keys: Vec<String> = s
                    .keys
                    .iter()
                    .filter(|(e, _)| !matches!(e.kind, ExprKind::Constant(_)))
                    .map(|(e, d)| {
                        let mut text = expression(e, &names);
                        if d.descending {
                            text += " DESC";
                        }
                        if d.nulls_first != d.descending {
                            text += if d.nulls_first { " NULLS FIRST" } else { " NULLS LAST" };
                        }
                        text
                    })
                    .collect();
                self.line(depth, &format!("Sort Key: {}", keys.join(", ")));
            }
            _ => {}
        }
    }

    fn residual(
        &mut self,
        depth: usize,
        label: &str,
        residual: Option<&Residual>,
        both: &[String],
    ) {
        if let Some(residual) = residual {
            let names: Vec<String> =
                residual.columns.iter().filter_map(|p| both.get(*p)).cloned().collect();
            self.condition(depth, label, &residual.predicate, &names);
        }
    }
}

fn join_word_after(kind: JoinKind) -> String {
    match kind {
        JoinKind::Inner => String::new(),
        other => format!("{} Join", join_word(other)),
    }
}

fn reader_names(reader: &IndexReader) -> Vec<String> {
    reader
        .wanted
        .iter()
        .map(|at| reader.table.columns.get(*at).map_or(String::new(), |c| c.name.clone()))
        .collect()
}

fn written(writers: &crate::sql::exec::write::Writers, table: u32) -> String {
    writers.get(table).map_or_else(|_| table.to_string(), |w| w.table.name.clone())
}
