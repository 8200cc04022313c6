/** The key of the item in the table. */
export const ITEM_ID = '1'
