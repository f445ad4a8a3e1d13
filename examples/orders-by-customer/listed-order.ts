/** An order in the list of its customer. */
export interface ListedOrder {
  readonly id: string;
  readonly state: 'placed' | 'reserved' | 'paid';
}
