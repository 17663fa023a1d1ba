mod clauses;
mod lost;
mod oracles;
mod reference;
mod script;
