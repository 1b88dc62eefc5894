/** Which of the items are taken, in the order of these fields. */
export interface Selection {
  readonly jsonPath: string | null;
  readonly filter: string | null;
  readonly sortBy: string | null;
  readonly distinct: string | null;
  /** Templates that give whole numbers. */
  readonly offset: string | null;
  readonly maxItems: string | null;
}
