"""How well label maps agree: Dice, surface Dice and Hausdorff distance, per structure and per matched node."""
