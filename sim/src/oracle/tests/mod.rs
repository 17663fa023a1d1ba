mod oracles;
mod reference;
mod script;
