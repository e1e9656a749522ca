"""What the search optimises: labels to buy, the fitted predictor, transfer and robust scores, finalists and twin.

Here proxies, predictors and hwcost meet. Importing it does not start anything.
"""
