/** Thrown to roll a transaction back. The conflict is then explained from the recorded rows. */
export class Refusal extends Error {
  readonly explain: () => Error;

  constructor(explain: () => Error) {
    super();
    this.explain = explain;
  }
}
