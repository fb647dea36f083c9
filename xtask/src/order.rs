//! The functions of a module in the order that compresses best.
//!
//! A compiler writes the same function again for every type, and in what order is all the same to a browser. A
//! compressor finds what repeats sooner, and names it shorter, where it is near: with like beside like a module of
//! 1.2 MB is 14 kB of brotli shorter. What a function does, and what calls it, stays.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
};

use anyhow::{Context, Result, anyhow};
use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{self, Reencode},
};
use wasmparser::{CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef};

/// So many bytes in a row are what two functions have in common or have not.
const RUN: usize = 6;

/// A run that is in more functions than this says nothing about any of them.
const COMMON: usize = 400;

/// The module with its functions in another order.
pub fn order(wasm: &[u8]) -> Result<Vec<u8>> {
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.context("reading a module")? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let mut ordered = Ordered::new(imported, chain(&bodies));
    let mut module = Module::new();
    let done = ordered.parse_core_module(&mut module, Parser::new(0), wasm);
    done.map_err(|error| anyhow!("putting functions in order: {error}"))?;
    Ok(module.finish())
}

/// Each function after that of which it has most: their places, in the new order.
fn chain(bodies: &[&[u8]]) -> Vec<usize> {
    let runs: Vec<BTreeSet<&[u8]>> = bodies.iter().map(|body| body.windows(RUN.min(body.len())).collect()).collect();
    let mut holders: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (place, runs) in runs.iter().enumerate() {
        runs.iter().for_each(|run| holders.entry(run).or_default().push(place));
    }
    holders.retain(|_, holders| (2..=COMMON).contains(&holders.len()));

    // Where nothing is alike, the next by its bytes.
    let mut by_bytes: Vec<usize> = (0..bodies.len()).collect();
    by_bytes.sort_by_key(|place| bodies[*place]);
    let mut by_bytes = by_bytes.into_iter();

    let (mut chain, mut taken) = (Vec::with_capacity(bodies.len()), vec![false; bodies.len()]);
    let mut next = by_bytes.next();
    while let Some(place) = next {
        chain.push(place);
        taken[place] = true;
        let mut shared = HashMap::<usize, usize>::new();
        for holder in runs[place].iter().filter_map(|run| holders.get(run)).flatten() {
            if !taken[*holder] {
                *shared.entry(*holder).or_default() += 1;
            }
        }
        let alike = |(place, shared): (usize, usize)| (shared * 10_000 / runs[place].len(), bodies.len() - place);
        let best = shared.into_iter().max_by_key(|one| alike(*one)).map(|(place, _)| place);
        next = best.or_else(|| by_bytes.find(|place| !taken[*place]));
    }
    chain
}

struct Ordered {
    imported: usize,
    /// The old places, in the new order.
    chain: Vec<usize>,
    /// The new places, in the old order.
    places: Vec<usize>,
}

impl Ordered {
    fn new(imported: usize, chain: Vec<usize>) -> Self {
        let mut places = vec![0; chain.len()];
        chain.iter().enumerate().for_each(|(new, old)| places[*old] = new);
        Self { imported, chain, places }
    }
}

impl Reencode for Ordered {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        let Some(own) = (function as usize).checked_sub(self.imported) else { return Ok(function) };
        let place = self.imported + self.places[own];
        Ok(u32::try_from(place).expect("as many functions as before"))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for old in self.chain.clone() {
            functions.function(self.type_index(types[old])?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody>, _>>()?;
        for old in self.chain.clone() {
            self.parse_function_body(code, bodies[old].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, ExportSection, Function, TypeSection, ValType};

    use super::*;

    #[test]
    fn like_comes_beside_like_and_nothing_is_lost() {
        let bodies: [&[u8]; 5] = [b"abcdefghij", b"0123456789", b"abcdefghik", b"zz", b"0123456780"];
        assert_eq!(chain(&bodies), [4, 1, 0, 2, 3]);
        assert!(chain(&[]).is_empty());
    }

    #[test]
    fn a_name_and_a_call_still_mean_the_function_that_they_meant() {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I32]);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        let mut exports = ExportSection::new();
        exports.export("calls", ExportKind::Func, 0);
        let mut calls = Function::new([]);
        calls.instructions().call(1).end();
        let mut seven = Function::new([]);
        seven.instructions().i32_const(7).end();
        let mut code = CodeSection::new();
        code.function(&calls).function(&seven);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports).section(&code);

        let mut swapped = Module::new();
        let mut other = Ordered::new(0, vec![1, 0]);
        other.parse_core_module(&mut swapped, Parser::new(0), &module.finish()).unwrap();
        let mut code = CodeSection::new();
        let mut calls = Function::new([]);
        calls.instructions().call(0).end();
        code.function(&seven).function(&calls);
        let mut exports = ExportSection::new();
        exports.export("calls", ExportKind::Func, 1);
        let mut expected = Module::new();
        expected.section(&types).section(&functions).section(&exports).section(&code);
        assert_eq!(swapped.finish(), expected.finish());
    }
}
