mod clauses;
mod excuses;
mod lost;
mod oracles;
mod reference;
mod script;
