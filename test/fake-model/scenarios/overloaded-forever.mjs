// 529 for as long as anyone asks. Set CLAUDE_CODE_MAX_RETRIES low or wait three minutes.
export const scenario = { rules: [{ name: "overloaded", steps: [{ fail: "overloaded", times: "forever" }] }] };
