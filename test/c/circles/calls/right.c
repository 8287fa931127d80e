/* ... and right calls left. No function calls itself: it is the files that do. */
int left_last(int n);
int right_middle(int n);

int right_middle(int n)
{
    return left_last(n) + 1;
}
