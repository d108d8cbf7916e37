today-title = What waits today
todo-import = The register is empty: import it first
todo-open-round = Open the rating of { $month }
todo-visit = Visit and score
todo-close = All sheets are in: close scoring
todo-review = Review
todo-post = Post on the wall
todo-certify = Posting period is over: certify
todo-takeouts = Lists with sealed values to allow
todo-objections = Objections to answer
todo-due = first due { $date }
todo-market-day = Market day today: to the counter
todo-expiring = Lots that go bad within 30 days
todo-more = And more to do
todo-nothing = Nothing waits for you today.
households-n = { $n ->
    [one] 1 household
   *[other] { $n } households
}
picture-coverage = Visits of { $month }
picture-no-round = No monthly rating yet
picture-flows = Points in and out
picture-stock = Stock (least left first)
stock-all = All goods and stock
tile-households = households
tile-coverage = sheets in
tile-credited = points credited
tile-redeemed = points redeemed
tile-outstanding = points outstanding
chart-coverage = Chart of sheets in by area
chart-table = The numbers
col-area = Area
col-households = Households
col-sheets = Sheets in
col-month = Month
col-goods = Goods
col-left = Left
col-points-each = Points each
