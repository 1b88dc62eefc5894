/** A JSON value. Captured values, items and variables are of this type. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
