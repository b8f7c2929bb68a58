"""What escrow is worth: one real demand trace, played under each way of keeping stock back."""
