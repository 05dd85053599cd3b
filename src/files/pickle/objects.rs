//! Objects that are foreign to us, kept as they are written: what was to be called, with which
//! arguments, and the state, items and entries that were to be set on the result. Nothing is
//! called, so an object of any class can be passed over or looked into.

use super::machine::Machine;
use super::{Id, Node};
use crate::files::Fault;

/// A foreign object in the list of values.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What was to be called.
    pub class: Id,
    /// The tuple of arguments.
    pub arguments: Id,
    pub state: Option<Id>,
    pub items: Vec<Id>,
    pub entries: Vec<(Id, Id)>,
}

/// Dictionaries under other names: what is set on them are entries like any.
const DICTIONARIES: [&str; 6] = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "builtins.dict",
    "__builtin__.dict",
    "torch._utils.OrderedDict",
];

impl Machine<'_> {
    /// A class or function that is only known by its name.
    pub(super) fn foreign_name(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let full = format!("{module}.{name}");
        self.spend(full.len())?;
        self.push(Node::Global(full.into_boxed_str()))
    }

    fn object(&mut self, class: Id, arguments: Id) -> Result<Id, Fault> {
        self.add(Node::Object(Box::new(Kept {
            class,
            arguments,
            ..Kept::default()
        })))
    }

    /// What NumPy's functions give; else an object that is kept.
    pub(super) fn call_or_keep(&mut self, function: Id, arguments: Id) -> Result<Id, Fault> {
        if let Node::Global(name) = &self.nodes[function as usize]
            && DICTIONARIES.contains(&&**name)
        {
            let pairs = self.pairs(arguments);
            self.spend(8 * pairs.len())?;
            return self.add(Node::Dict(pairs));
        }
        match self.call(function, arguments) {
            Ok(id) => Ok(id),
            Err(_) => self.object(function, arguments),
        }
    }

    /// The entries that a dictionary is made from: those of a dictionary, or a list of pairs.
    fn pairs(&self, arguments: Id) -> Vec<(Id, Id)> {
        let Node::Tuple(arguments) = &self.nodes[arguments as usize] else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for &argument in arguments {
            match &self.nodes[argument as usize] {
                Node::Dict(entries) => pairs.extend_from_slice(entries),
                Node::List(items) => {
                    pairs.extend(items.iter().filter_map(|&item| {
                        let pair: &[Id] = match &self.nodes[item as usize] {
                            Node::List(pair) => pair,
                            Node::Tuple(pair) => pair,
                            _ => return None,
                        };
                        match pair {
                            &[key, value] => Some((key, value)),
                            _ => None,
                        }
                    }));
                }
                _ => {}
            }
        }
        pairs
    }

    /// Sets the state of an array, or keeps it with its object.
    pub(super) fn build_or_keep(&mut self, object: Id, state: Id) -> Result<(), Fault> {
        let blank = matches!(
            self.nodes[object as usize],
            Node::Blank | Node::Type(_) | Node::Array(..)
        );
        if blank && self.build(object, state).is_ok() {
            return Ok(());
        }
        match &mut self.nodes[object as usize] {
            Node::Object(kept) => kept.state = Some(state),
            node @ (Node::Blank | Node::Type(_)) => {
                // an array or element type of a kind that is not read: records, dates
                *node = Node::Object(Box::new(Kept {
                    state: Some(state),
                    ..Kept::default()
                }));
            }
            // attributes of a dictionary (`_metadata` of state dicts)
            _ => {}
        }
        Ok(())
    }

    /// Opcodes that create objects.
    pub(super) fn keep(&mut self, op: u8) -> Result<(), Fault> {
        match op {
            // INST, OBJ
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let arguments = self.marked()?;
                self.foreign_name(module, name)?;
                let class = self.pop()?;
                let arguments = self.add(Node::Tuple(arguments.into_boxed_slice()))?;
                let id = self.object(class, arguments)?;
                self.push_id(id)
            }
            b'o' => {
                let mut arguments = self.marked()?;
                if arguments.is_empty() {
                    return self.wrong("a class above the mark", "none");
                }
                let class = arguments.remove(0);
                let arguments = self.add(Node::Tuple(arguments.into_boxed_slice()))?;
                let id = self.object(class, arguments)?;
                self.push_id(id)
            }
            // NEWOBJ, NEWOBJ_EX
            0x81 | 0x92 => {
                if op == 0x92 {
                    self.pop()?;
                }
                let (arguments, class) = (self.pop()?, self.pop()?);
                let id = self.call_or_keep(class, arguments)?;
                self.push_id(id)
            }
            // PERSID, BINPERSID
            b'P' => {
                let line = self.line()?;
                let text = self.owned(line.as_bytes().to_vec())?;
                let id = self.add(Node::Text(text))?;
                self.push(Node::Persistent(id))
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Node::Persistent(id))
            }
            // EXT1, EXT2, EXT4: classes by a number that the writer's Python knows
            0x82..=0x84 => {
                let code = self.number(1 << (op - 0x82))?;
                self.foreign_name("copyreg", &format!("extension {code}"))
            }
            // EMPTY_SET, ADDITEMS, FROZENSET
            0x8f => self.push(Node::List(Vec::new())),
            0x90 => {
                let items = self.marked()?;
                self.append(items)
            }
            0x91 => {
                let items = self.marked()?;
                self.push(Node::List(items))
            }
            _ => self.refuse(op),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pickle;
    use crate::files::fuzz;

    /// A dictionary of objects as every protocol and opcode writes them.
    const OBJECTS: &[u8] = b"(dS'reduce'\ncposix\nsystem\n(S'touch x'\ntRs\
        S'inst'\n(I1\nicollections\nChainMap\ns\
        S'obj'\n(cdecimal\nDecimal\nS'1.5'\nos\
        S'state'\nccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR\
        (dS'lr'\nF0.5\nsbs\
        S'ordered'\nccollections\nOrderedDict\n((lp9\n(lp8\nS'a'\naI7\naatRs\
        S'far'\nP12\ns\
        S'long'\nL1606938044258990275541962092341162602522202993782792835301376L\ns\
        S'new'\ncyacs.config\nCfgNode\n)\x81S'k'\nI3\nss\
        S'set'\n\x8f(I4\n\x90s\
        S'code'\n\x82\x07s.";

    #[test]
    fn foreign_objects_are_kept_as_they_are_written() {
        assert!(Pickle::parse(OBJECTS).is_err());
        let (pickle, length) = Pickle::keep(OBJECTS).unwrap();
        assert_eq!(length, OBJECTS.len());
        let root = pickle.root();
        let class = |key: &str| root.get(key).unwrap().object().unwrap().class();
        assert_eq!(class("reduce"), "posix.system");
        assert_eq!(class("inst"), "collections.ChainMap");
        assert_eq!(class("obj"), "decimal.Decimal");
        assert_eq!(class("state"), "argparse.Namespace");
        let object = |key: &str| root.get(key).unwrap().object().unwrap();
        assert_eq!(object("reduce").arguments()[0].text().unwrap(), "touch x");
        assert_eq!(object("obj").arguments().len(), 1);
        let state = object("state").state().unwrap();
        assert_eq!(state.get("lr").unwrap().number().unwrap(), 0.5);
        let ordered = root.get("ordered").unwrap();
        assert_eq!(ordered.get("a").unwrap().integer().unwrap(), 7);
        let far = root.get("far").unwrap().persistent().unwrap();
        assert_eq!(far.text().unwrap(), "12");
        assert_eq!(
            root.get("long").unwrap().kind(),
            "an integer of more than 64 bits"
        );
        let entries = root.get("new").unwrap().entries().unwrap();
        assert_eq!(entries[0].1.integer().unwrap(), 3);
        assert_eq!(root.get("set").unwrap().items().unwrap().len(), 1);
        assert_eq!(
            root.get("code").unwrap().global(),
            Some("copyreg.extension 7")
        );
        assert!(pickle.foreign().contains(&"posix.system"));
        assert_eq!(pickle.persistent().count(), 1);
    }

    #[test]
    fn arrays_that_are_not_read_are_kept_too() {
        // an element type of dates, with its state, and an array of it
        let dates = b"(dS'a'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR\
            (I1\n(I1\ntcnumpy\ndtype\n(S'M8'\nI0\nI1\ntR(I4\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'12345678'\ntbs\
            S'n'\nI5\ns.";
        assert!(Pickle::parse(dates).is_err());
        let (pickle, _) = Pickle::keep(dates).unwrap();
        let root = pickle.root();
        assert_eq!(root.get("n").unwrap().integer().unwrap(), 5);
        assert!(root.get("a").unwrap().bytes_of_array().is_none());
        assert!(root.get("a").unwrap().object().is_some());
    }

    #[test]
    fn no_flip_makes_kept_objects_panic() {
        fuzz::rounds(OBJECTS, 3000, |bytes, _| {
            let (pickle, length) = Pickle::keep(bytes)?;
            assert!(length <= bytes.len());
            for (key, value) in pickle.root().entries().unwrap_or_default() {
                let _ = (key.text(), value.kind(), value.entries(), value.items());
                if let Some(object) = value.object() {
                    let _ = (object.class(), object.arguments(), object.state());
                }
            }
            pickle.root().get("state").map(|_| ())
        });
    }
}
