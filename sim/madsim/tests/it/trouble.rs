//! The library's own points of trouble.

use super::faults::workers;
use super::plans::run;

/// Whatever happens at them, all ends well; and they do happen.
#[test]
fn plans_end_well_with_trouble() {
    let mut differ = 0;
    for seed in 0..30 {
        let mut plan = workers(
            r#"
            [[fault]]
            at = "2s"
            for = "1s"
            what = { partition = { between = ["office", "works"] } }
            [[fault]]
            at = "4s"
            what = { reset = { between = ["office", "shop"] } }
            "#,
        );
        plan.seed = seed;
        let without = run(&plan);
        plan.trouble = true;
        let with = run(&plan);
        differ += usize::from(with.hash != without.hash);
    }
    assert!((15..30).contains(&differ), "{differ} of 30 seeds have trouble; a tenth has none");
}
