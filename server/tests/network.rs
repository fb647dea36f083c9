//! The whole product with real packets: the real console, real agents and a real lab, driven by
//! the console's server functions as a browser calls them.
//!
//! Every trial has a console, a database and a lab of its own; when its lab ends, the kernel
//! takes everything away. Skipped where no lab can be made; `DATAPLANE_E2E=require` or `CI=true`
//! turns a skip into a failure. `CAUSEWAY_TEST_FULL=1` makes the campaigns long;
//! `CAUSEWAY_TEST_SEED` repeats one.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "network/ablation.rs"]
mod ablation;
#[path = "network/campaign.rs"]
mod campaign;
#[path = "network/console.rs"]
mod console;
#[path = "network/drift.rs"]
mod drift;
#[path = "network/lab.rs"]
mod lab;
#[path = "network/pairs.rs"]
mod pairs;
#[path = "network/sessions.rs"]
mod sessions;
#[path = "network/sites.rs"]
mod sites;
#[path = "network/stage.rs"]
mod stage;
#[path = "network/story.rs"]
mod story;
#[path = "network/supervisor.rs"]
mod supervisor;

/// Left out where there is no server to test on, but not in CI.
const ON_POSTGRESQL: &str = "whoever_is_killed_at_whatever_moment_every_host_ends_as_the_console_says_on_postgresql";

/// Long ones first: they run beside the others.
const TRIALS: [(&str, fn()); 26] = [
    (
        "each_thing_that_is_taken_away_loses_just_what_hangs_on_it_and_apply_puts_it_back",
        ablation::each_line_of_the_table,
    ),
    (
        "row_78_no_ping_is_lost_by_another_peer_a_no_op_a_new_console_or_a_new_agent_uapi",
        sessions::row_78_by_its_socket,
    ),
    ("row_78_no_ping_is_lost_by_another_peer_a_no_op_a_new_console_or_a_new_agent_wg", sessions::row_78_by_its_tool),
    ("rows_68_70_73_to_80_82_84_to_87_and_89_two_vpcs_are_joined_and_parted_uapi", story::by_its_socket),
    ("rows_68_70_73_to_80_82_84_to_87_and_89_two_vpcs_are_joined_and_parted_wg", story::by_its_tool),
    ("whoever_is_killed_at_whatever_moment_every_host_ends_as_the_console_says", campaign::killed_at_random_moments),
    (ON_POSTGRESQL, campaign::killed_at_random_moments_on_postgresql),
    ("an_older_copy_of_the_database_strands_no_host", campaign::an_older_copy_of_the_database),
    ("an_older_copy_of_the_database_knows_hosts_that_enrolled_since", campaign::an_older_copy_that_knows_no_host),
    ("row_68_a_silent_agent_is_an_error_until_it_speaks_again", drift::row_68_a_silent_agent),
    ("two_gateways_that_are_joined_do_not_hang_up_on_each_other", pairs::fresh_pairs),
    ("access_that_is_taken_away_ends_in_the_middle_of_a_session", sessions::access_ends_at_once),
    ("row_76_a_sites_router_works_as_exported_and_a_peered_vpc_takes_nothing_from_it", sites::its_export_works),
    ("a_burst_of_edits_ends_in_sync_with_an_address_for_each", campaign::a_burst_of_edits),
    ("a_difference_is_repaired_within_seconds_and_told", drift::repaired_by_itself),
    ("a_difference_keeps_the_moment_when_it_was_first_seen", drift::first_seen),
    ("row_87_a_gateway_deleted_while_its_agent_is_away_leaves_nothing_either", story::deleted_while_its_agent_is_away),
    ("a_rebooted_host_has_its_tunnels_back_without_the_console", drift::without_its_console),
    ("a_port_that_another_program_has_is_told_with_its_name_and_taken_when_it_is_free", drift::a_taken_port),
    ("a_wireguard_that_died_is_back_within_seconds", drift::a_dead_wireguard),
    ("the_demo_builds_a_network_that_carries_packets_and_takes_it_down", supervisor::the_demo),
    ("a_lab_goes_up_runs_programs_and_goes_down", supervisor::up_and_down),
    ("a_lab_whose_supervisor_is_killed_leaves_nothing", supervisor::killed),
    ("a_lab_whose_starter_is_killed_leaves_nothing", supervisor::starter_killed),
    ("an_ordinary_user_has_a_lab_too", supervisor::ordinary_user),
    ("a_second_lab_beside_the_first_shares_nothing_with_it", supervisor::two_beside_each_other),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = server::lab::unavailable();
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if let Some(missing) = missing.as_ref().filter(|_| set("DATAPLANE_E2E", "require") || set("CI", "true")) {
        eprintln!("The network tests must run here, but: {missing}");
        return ExitCode::FAILURE;
    }
    let no_server = std::env::var(console::POSTGRES).is_err().then(|| format!("{} names no server", console::POSTGRES));
    if let Some(missing) = no_server.as_ref().filter(|_| set("CI", "true")) {
        eprintln!("The network tests must run on PostgreSQL too, but: {missing}");
        return ExitCode::FAILURE;
    }
    let trials =
        TRIALS.map(|(name, act)| match missing.as_ref().or(no_server.as_ref().filter(|_| name == ON_POSTGRESQL)) {
            None => Trial::test(name, move || {
                let began = std::time::Instant::now();
                act();
                eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
                Ok::<(), Failed>(())
            }),
            Some(missing) => Trial::test(format!("{name} [skipped: {missing}]"), || Ok(())).with_ignored_flag(true),
        });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}
