"""What people searched for and did not find, without a trace of who they were."""
