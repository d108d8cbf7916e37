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

# Papers

paper-posting = Posting
paper-cards = Points cards
paper-receipt = Receipt
paper-statement = Statement of points
paper-market-day = Market day list
paper-acknowledgement = Letter of thanks
paper-stock-count = Stock count sheet
paper-leaflet = Scheme leaflet
paper-poster = Scheme poster
paper-review = Review sheet
paper-notice = Notice of certification
paper-bulletin = Bulletin
paper-download = { $paper } (PDF)
paper-download-as = { $paper } { $sheet } (PDF)
paper-sheet-roll = on an 80 mm roll
paper-notice-number = Document number (may stay empty)
paper-cards-title = Print points cards
paper-cards-lead = All cards in use in the area chosen, ten to an A4 sheet, on both sides. Of many cards the file comes in parts as they are printed; please open it when it is complete.
paper-cards-do = Download the cards (PDF)
refusal-paper-no-cards = No card is in use here. Please issue cards first, then print them.
refusal-paper-card-frozen = This card is frozen and is not printed any more. Please issue a new card first.
refusal-paper-notice-not-certified = This month is not certified yet, so there is no notice of it. Please certify it first, when the posting is over and objections are answered.
refusal-paper-bulletin-too-early = There is no bulletin before January 2000. Please choose January 2000 or a later month.
