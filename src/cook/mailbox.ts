/** A queue with one reader, who waits while it is empty. */
export class Mailbox<T> {
  readonly #messages: T[] = [];
  #waiting: ((message: T) => void) | null = null;

  put(message: T): void {
    const waiting = this.#waiting;
    if (waiting === null) {
      this.#messages.push(message);
      return;
    }
    this.#waiting = null;
    waiting(message);
  }

  next(): Promise<T> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
