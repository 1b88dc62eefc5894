// "hang" opens a stream and never goes on; "dribble" takes some seconds but ends.
export const scenario = {
  rules: [
    { name: "hang", when: { prompt: "hang" }, steps: [{ text: "This answer never arrives in full.", hang: "mid" }] },
    {
      name: "busy tool",
      when: { prompt: "busy" },
      steps: [{ sh: 'node -e "setTimeout(() => {}, 60000)"' }, { text: "Done." }],
    },
    { name: "dribble", steps: [{ text: "A slow answer that does arrive.", chunkSize: 4, chunkDelayMs: 150 }] },
  ],
};
