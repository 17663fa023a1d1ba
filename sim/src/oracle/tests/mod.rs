mod clauses;
mod excuses;
mod further;
mod lost;
mod oracles;
mod reference;
mod script;
