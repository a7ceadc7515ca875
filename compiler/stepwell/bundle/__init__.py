"""From text to an uploadable Worker: types stripped, faults led back, manifest; and the pinned tools."""
