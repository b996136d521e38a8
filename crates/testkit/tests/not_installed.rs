//! Without the allocator a count would prove nothing: asking for one must fail.

#[test]
#[should_panic(expected = "not installed")]
fn counting_without_the_allocator_fails() {
    fafnir_testkit::allocations_during(|| ());
}
