/** Limits that more than one part of the decisions looks at. */

/** How often an agent may try to resolve conflicts with a target that keeps moving. */
export const MAX_RESOLUTIONS = 3;

/** How many items of a loop leave their result for `foreach.results`. Who has more of them writes files. */
export const MAX_ITEM_RESULTS = 1000;
