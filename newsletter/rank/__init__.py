"""The third room: papers and a profile become an order with reasons. Pure: no clock, no file, no randomness."""
