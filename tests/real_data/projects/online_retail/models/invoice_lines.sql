select
    CustomerID,
    InvoiceNo,
    InvoiceDate,
    Quantity,
    UnitPrice
from read_parquet('{{ var("data_folder") }}/online_retail.parquet')
